"""Training: from a source of pictures to a run.

- `bridge/`: fits the prior and chooses the default bridge of a run
- `clip/`: trains the mini-CLIP
- `curves`: the held-out loss by noise level and the measured success, over time, drawn
- `distillation/`: a network that paints in a few calls, taught by a trained model
- `keeping_time`: plans the steps of a training that was given minutes anew, in all its processes
- `loop`: the training loop, a generator of `TrainStep`s: gradients, threads, when to save
- `planning/`: from minutes, machine and pictures to size, network, steps and learning rate
- `prepare/`: before the loop: decode and embed the pictures, measure the statistics
- `process_group`: data-parallel training: rank, sums over processes, waiting for each other
- `samples`: sample grids, the forward process and the loss curve of a run
- `steps/`: one optimisation step: batches, optimisers, state, held-out loss
- `trackers`: reports a training to tensorboard, wandb and others, by way of accelerate
"""
