"""Training: from a source to a run, one step at a time.

- `bridge/`: the run's default bridge: fitted and chosen on held-out pairs
- `clip/`: training of the mini-CLIP
- `loop`: the training of the denoiser: a generator that yields one `TrainStep` a step
- `prepare/`: before the loop: pictures decoded and embedded, statistics measured
- `process_group`: the processes that train one run together: how many, which one this is, what
  they exchange
- `samples`: what a person looks at while and after a run trains: grids, the forward process, the
  curve
- `steps/`: one optimisation step and what it needs
"""
