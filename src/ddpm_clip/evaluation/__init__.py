"""Numbers with intervals: what painted pictures show, and how close they are to real ones.

- `clip/`: figures of a CLIP: what it knows of pictures and words
- `gap/`: the modality gap: how far texts lie from pictures, and which bridge closes it best
- `judge/`: the judge: a small classifier that reads painted pictures
- `metrics/`: what is measured of sets of pictures, as sets of features
- `prompts/`: prompt success: does a picture show what was asked for?
- `report/`: one evaluation of a model: what is painted, what is measured, how it is written
"""
