"""Prompt success: does a picture show what the prompt asks for?

- `cases`: the prompts of an evaluation, with the facts that their pictures must show
- `ceiling`: conditions from *image* embeddings: prompt success without a modality gap
- `in_training`: prompt success while a model is trained, as a curve
- `success`: paints pictures of prompts and counts what a judge reads in them
"""
