"""Evaluation: what painted pictures show, and how close they are to real ones, with intervals.

- `clip/`: trains and measures a mini-CLIP; similarity of words and pictures
- `gap/`: the modality gap, and how well each bridge closes it
- `judge/`: the judge, a small classifier that reads painted pictures
- `metrics/`: metrics of sets of pictures: Fréchet distance, MMD, precision and recall, copies, ...
- `prompts/`: prompt success: does a picture show what the prompt asks for?
- `report/`: the evaluation of a model: paint, measure, write the report
"""
