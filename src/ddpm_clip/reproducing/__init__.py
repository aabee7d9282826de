"""Paint a PNG again from the parameters it records, and compare the pixels.

- `comparing`: compare two pictures, pixel by pixel
- `judging`: validate what a picture records of its batch
- `recipe`: read and validate the parameters that a picture records
- `repainting`: repeat the sampling of a recipe: same batch, same threads, same overrides
- `reproduction`: `reproduce`: read the parameters of a picture, paint it again, and compare
"""

from ddpm_clip.reproducing.comparing import Comparison, compare
from ddpm_clip.reproducing.recipe import Recipe, read_recipe
from ddpm_clip.reproducing.repainting import Given
from ddpm_clip.reproducing.reproduction import Reproduction, reproduce

__all__ = ["Comparison", "Given", "Recipe", "Reproduction", "compare", "read_recipe", "reproduce"]
