"""Edit pictures: each edit is plain sampling with another condition, start or `predict`.

- `arcs`: spherical interpolation of two conditions, and weighted sums of several
- `blending`: `blend`: a weighted sum of the conditions of prompts and pictures
- `edit`: the interface of an edit: which facts it records, and how to repeat it
- `ideas`: an idea is a prompt or a picture; both become conditions of the same space
- `image_to_image`: `img2img`: noise a picture part of the way and denoise it with a prompt
  (SDEdit)
- `inpainting`: `inpaint`: repaint the masked part of a picture, keep the rest bit-exactly
- `interpolation`: `interpolate`: conditions on the arc between two ideas, all with the same noise
- `pictures`: load a picture to edit, cropped and resized as in training, and its mask
- `points`: `point`: conditions at points of the map of the pictures, or along a path
- `sheets`: contact sheets of edited pictures, and the frames of a morph
- `variation`: the embedding of a picture as the condition: `vary` a given one (unCLIP), or
  `sample` from those of all pictures, without words (RCG)
"""

from ddpm_clip.editing.blending import BLEND, blend
from ddpm_clip.editing.edit import Edit
from ddpm_clip.editing.ideas import Idea, read_idea
from ddpm_clip.editing.image_to_image import IMG2IMG, img2img
from ddpm_clip.editing.inpainting import INPAINT, inpaint
from ddpm_clip.editing.interpolation import INTERPOLATE, interpolate
from ddpm_clip.editing.pictures import Picture, open_mask, open_picture
from ddpm_clip.editing.points import POINT, paint_points
from ddpm_clip.editing.sheets import beside, morph, strip
from ddpm_clip.editing.variation import SAMPLE, VARY, sample, vary
from ddpm_clip.registry import Registry

EDITS: Registry[Edit] = Registry(
    "edit",
    {
        "vary": VARY,
        "interpolate": INTERPOLATE,
        "blend": BLEND,
        "img2img": IMG2IMG,
        "inpaint": INPAINT,
        "point": POINT,
        "sample": SAMPLE,
    },
)
"""Every edit, by the `mode` that its pictures record."""

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
    "paint_points",
    "read_idea",
    "sample",
    "strip",
    "vary",
]
