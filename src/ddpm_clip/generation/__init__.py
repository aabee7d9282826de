"""Text to image: from prompts to pictures, and from pictures to files.

- `clip_guide`: CLIP guidance: the distance between pictures and prompts as a differentiable loss
- `files`: write pictures as PNGs with their parameters inside, a grid and a GIF
- `request`: data classes of a requested picture, a change of its sampling, and its result
- `settings`: the settings of painting, and their validation
- `text_to_image`: prompts -> embeddings -> conditions -> sampling -> pictures
"""

from ddpm_clip.moved import former_names

__getattr__ = former_names(__name__)
