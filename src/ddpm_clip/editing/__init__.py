"""Pictures from pictures: all edits are the plain walk with another condition, start or predict."""

from ddpm_clip.editing.blending import blend
from ddpm_clip.editing.ideas import Idea, read_idea
from ddpm_clip.editing.image_to_image import img2img
from ddpm_clip.editing.inpainting import inpaint
from ddpm_clip.editing.interpolation import interpolate
from ddpm_clip.editing.pictures import Picture, open_mask, open_picture
from ddpm_clip.editing.sheets import beside, morph, strip
from ddpm_clip.editing.variation import vary

__all__ = [
    "Idea",
    "Picture",
    "beside",
    "blend",
    "img2img",
    "inpaint",
    "interpolate",
    "morph",
    "open_mask",
    "open_picture",
    "read_idea",
    "strip",
    "vary",
]
