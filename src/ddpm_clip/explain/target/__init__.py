"""The model under study: a denoiser, a prompt, seeds, and what reads the pictures.

- `analysis_target`: what is explained: a denoiser, a prompt, seeds, and who reads the pictures
- `asked_for`: which class a prompt asks for, of those that a judge can name
- `batches`: many walks, a batch after another, to the pictures at their ends
- `cache`: what was painted once is not painted again: pictures and walks that several analyses
  look at
- `class_prompts`: the same prompt for other classes
- `from_model`: a model and a prompt as an `AnalysisTarget`: who judges its pictures, who embeds
  them, with what words
- `nulls`: targets of which nothing is true: on each of them an analysis must not pass
- `planted`: a target whose every answer is known: an exact mixture behind the protocols of a
  trained model
- `readers`: what reads pictures and words for an analysis: types of functions, and reading in
  parts
- `recorder`: walks recorded: what was seen and said at chosen rows, at no change to the pictures
"""
