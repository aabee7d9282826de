"""A painted PNG is painted again from its own parameters and compared.

- `comparing`: one picture against another, pixel by pixel
- `judging`: whether what a picture says of its batch can be, and can be done here
- `recipe`: what a picture says of how it was painted, judged before anything is done with it
- `repainting`: the walk of a recipe once more: the same batch, the same threads, the same
  overrides
- `reproduction`: `reproduce`: a picture that says how it was painted, painted again and compared
"""

from ddpm_clip.reproducing.comparing import Comparison, compare
from ddpm_clip.reproducing.recipe import Recipe, read_recipe
from ddpm_clip.reproducing.repainting import Given
from ddpm_clip.reproducing.reproduction import Reproduction, reproduce

__all__ = ["Comparison", "Given", "Recipe", "Reproduction", "compare", "read_recipe", "reproduce"]
