"""Prompt success: does a picture show what was asked for?

- `cases`: which prompts an evaluation asks, and which facts their pictures must show
- `ceiling`: what a model could do if words were pictures: conditions from *image* embeddings
- `success`: prompt success: is what was asked for in the picture, by the word of a judge?
"""
