"""Pictures from pictures: each edit is the plain walk with another condition, start or `predict`.

- `arcs`: conditions between conditions: along the arc of two, and as a weighted sum of several
- `blending`: several ideas at once: the weighted sum of their conditions
- `edit`: what the rest of the package knows of an edit: the facts it records, and how to repeat it
- `ideas`: what a picture is to be like: a prompt or another picture, both as conditions of one
  space
- `image_to_image`: a picture painted over: noised part of the way, then walked back under a prompt
- `inpainting`: part of a picture painted anew, the rest kept to the bit
- `interpolation`: the way from one idea to another: conditions along an arc, the same noise for
  all of them
- `pictures`: a picture to be edited, as the model sees pictures, and the mask that goes with it
- `sheets`: edited pictures side by side, and the frames of a morph
- `variation`: variations of a given picture: its own embedding is the condition (unCLIP, Ramesh et
  al
"""

from ddpm_clip.editing.blending import BLEND, blend
from ddpm_clip.editing.edit import Edit
from ddpm_clip.editing.ideas import Idea, read_idea
from ddpm_clip.editing.image_to_image import IMG2IMG, img2img
from ddpm_clip.editing.inpainting import INPAINT, inpaint
from ddpm_clip.editing.interpolation import INTERPOLATE, interpolate
from ddpm_clip.editing.pictures import Picture, open_mask, open_picture
from ddpm_clip.editing.sheets import beside, morph, strip
from ddpm_clip.editing.variation import VARY, vary
from ddpm_clip.registry import Registry

EDITS: Registry[Edit] = Registry(
    "edit",
    {
        "vary": VARY,
        "interpolate": INTERPOLATE,
        "blend": BLEND,
        "img2img": IMG2IMG,
        "inpaint": INPAINT,
    },
)
"""Every edit, by the mode that its pictures record."""

__all__ = [
    "EDITS",
    "Edit",
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
