"""Evaluation: what painted pictures show, and how close they are to real ones, with intervals.

- `bridges`: compares the prompt success of the bridges, with the ceiling of image conditions
- `clip/`: trains and measures a mini-CLIP; similarity of words and pictures
- `digit_attributes`: does a painted digit have the requested stroke, slant or extent?
- `gap/`: the modality gap, and how well each bridge closes it
- `judge/`: the judge, a small classifier that reads painted pictures
- `metrics/`: metrics of sets of pictures: Fréchet distance, MMD, precision and recall, copies, ...
- `petal_colour`: the petal colour of a flower, measured in its pixels without a network
- `prompts/`: prompt success: does a picture show what the prompt asks for?
- `report/`: the evaluation of a model: paint, measure, write the report
- `statistics/`: confidence intervals and p-values of shares, means and counts
"""
