"""One optimisation step and what it needs.

- `batches`: what each step shows the network: pictures, conditions, rows and noise, from (seed,
  step) alone
- `micro_batches`: a step cut into micro-batches, and into smaller ones where it does not fit into
  memory
- `muon`: Muon: AdamW, but the steps of matrices are made orthogonal
- `prepared`: what the loop needs of the data, row for row
- `size`: how large a run is: its steps, the pictures of a step, and the seed of each step
- `stability`: what is done about a loss or gradient that is no number: skip, lower the rate, stop
- `state`: the state of a training: network, average, optimiser, and their way into a checkpoint
- `validation`: the held-out loss: fixed pictures, fixed rows, fixed noise, averaged weights
"""
