"""How well the training pictures of a model cover a prompt.

- `calibration`: what prompts of known coverage look like to one model, in numbers that are kept
  beside it
- `measuring`: from a conditioner and its embedder to a calibrated coverage, and into a run's
  folder
- `probe`: a line between two clouds of rows, and how far off it a new row lies
- `prompt_coverage`: one prompt, one model: can its pictures say this, which of them, and what
  could be asked instead
- `showing`: the training pictures near a prompt, to look at: from keys back to the source that has
  them
- `texts`: prompts of known coverage: what a verdict is calibrated on
"""
