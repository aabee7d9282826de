"""Text to image: from prompts to pictures, and from pictures to files.

- `clip_guide`: CLIP guidance: the distance between pictures and prompts as a differentiable loss
- `batches`: one batch, followed to its end
- `call_folder`: a folder of its own for each call, and a link to the newest
- `destination`: where finished batches go
- `few_call`: what a few-call model cannot be told, and what to use instead
- `files`: paint into files: one PNG per picture, a grid and a GIF
- `parameters`: what a PNG records of how it was painted
- `picture_folder`: the files of one call, written batch by batch and found again
- `request`: data classes of a requested picture, a change of its sampling, and its result
- `settings`: the settings of painting, and their validation
- `text_to_image`: prompts -> embeddings -> conditions -> sampling -> pictures
"""

from ddpm_clip.moved import former_names

__getattr__ = former_names(__name__)
