"""Prompts to pictures to files.

- `clip_guide`: a CLIP as a guide: how far a picture is from words, as a loss with gradients
- `files`: painted pictures as files: one PNG each with its parameters inside, a grid, a GIF
- `request`: one picture: what is asked for, how its walk differs from the plain one, what came of
  it
- `settings`: what may be asked of a model, and the one place where it is judged
- `text_to_image`: words to pictures: prompts -> embeddings -> conditions -> walk -> pictures
"""

from ddpm_clip.moved import former_names

__getattr__ = former_names(__name__)
