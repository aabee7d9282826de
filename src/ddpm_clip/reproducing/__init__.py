"""A painted picture again from what it says of itself, and whether the pixels are the same."""

from ddpm_clip.reproducing.comparing import Comparison, compare
from ddpm_clip.reproducing.recipe import Recipe, read_recipe
from ddpm_clip.reproducing.repainting import Given
from ddpm_clip.reproducing.reproduction import Reproduction, reproduce

__all__ = ["Comparison", "Given", "Recipe", "Reproduction", "compare", "read_recipe", "reproduce"]
