"""Numbers with intervals: what painted pictures show, and how close they are to real ones.

- `bridges`: the bridges from words to pictures beside each other, and the ceiling above them
- `clip/`: figures of a CLIP: what it knows of pictures and words
- `digit_attributes`: does a painted digit have the stroke, slant or extent that was asked for?
- `gap/`: the modality gap: how far texts lie from pictures, and which bridge closes it best
- `judge/`: the judge: a small classifier that reads painted pictures
- `metrics/`: what is measured of sets of pictures, as sets of features
- `petal_colour`: the colour of a flower's petals measured in its pixels, without any network
- `prompts/`: prompt success: does a picture show what was asked for?
- `report/`: one evaluation of a model: what is painted, what is measured, how it is written
"""
