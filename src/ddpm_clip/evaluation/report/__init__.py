"""One evaluation of a model: what is painted, what is measured, how it is written.

- `evaluate`: one evaluation: find evaluators and real pictures, paint, measure, and say what could
  not be
- `evaluation_data`: what all sections of an evaluation look at: painted pictures, what was asked,
  real ones, evaluators
- `evaluators`: who is asked about painted pictures: a judge, and a CLIP other than the one that
  conditions
- `formats/`: an evaluation as JSON, Markdown and HTML
- `nearest_sheet`: the sheet on which a person sees whether painted pictures are copies
- `plan`: how many pictures fit into the minutes that a person gives
- `real_pictures`: the real pictures that painted ones are held against, and which of them the
  model has seen
- `sections/`: the sections of an evaluation: from measurements to figures
- `shown`: the pictures that a report shows: the first seeds of each prompt, none chosen, failures
  marked
"""
