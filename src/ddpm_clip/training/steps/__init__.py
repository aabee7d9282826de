"""One optimisation step, and what it needs.

- `batches`: the batch of a step (pictures, conditions, timesteps, noise), from (seed, step) alone
- `loss_scale`: the factor of the loss in float16, lowered when a gradient overflows
- `micro_batches`: gradient accumulation, with smaller micro-batches if memory runs out
- `muon`: the Muon optimiser: orthogonalised steps for matrices, AdamW for the rest
- `optimizers`: the optimisers by name; their state for checkpoints
- `pace`: how a training that was given minutes plans the steps that are left
- `prepared`: what the loop needs of the data: pixels, embeddings, conditioner
- `size`: the number of steps, the batch size and the random seed of each step
- `stability`: what happens if a loss or gradient is NaN or infinite: skip, lower the rate, stop
- `state`: weights, EMA, optimiser, learning-rate schedule; to and from a checkpoint
- `surroundings`: what rounding depends on besides the config
- `validation`: the held-out loss, on fixed timesteps and noise
"""
