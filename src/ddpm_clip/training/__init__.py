"""Training: from a source of pictures to a run.

- `bridge/`: fits the prior and chooses the default bridge of a run
- `clip/`: trains the mini-CLIP
- `distillation/`: a network that paints in a few calls, taught by a trained model
- `loop`: the training loop, a generator of `TrainStep`s: gradients, threads, when to save
- `prepare/`: before the loop: decode and embed the pictures, measure the statistics
- `process_group`: data-parallel training: rank, sums over processes, waiting for each other
- `samples`: sample grids, the forward process and the loss curve of a run
- `steps/`: one optimisation step: batches, optimisers, state, held-out loss
"""
