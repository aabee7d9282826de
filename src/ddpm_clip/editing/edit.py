"""The interface of an edit: which facts its pictures record, and how to repeat it from them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor

from ddpm_clip.editing.pictures import Picture
from ddpm_clip.generation.request import SamplingOverrides
from ddpm_clip.generation.settings import Settings
from ddpm_clip.generation.text_to_image import TextToImage

Facts = Mapping[str, Any]
"""The parameters that a picture records, by name."""

OF_A_PICTURE: dict[str, Any] = {"source": str, "source_digest": str}
"""Types of `Picture.facts`."""


class Sources(Protocol):
    """Finds the pictures that an edit was made from by the hashes that its result records."""

    def find(self, name: str, digest: str) -> Picture:
        """Return the picture with this hash; the name is for error messages."""
        ...

    def mask(self, picture: Picture, digest: str) -> Tensor:
        """Return the mask (1, h, w) with this hash, cropped as the picture was."""
        ...


@dataclass(frozen=True, slots=True)
class Edit:
    """A way to make pictures from pictures; its name in `EDITS` is the mode that files record.

    Attributes:
        facts: What its pictures record beside the settings, as name -> type for `isinstance`.
        overrides: Repeats the sampling, from recorded facts and the sources they name.
        check: Raises a `UsageError` if facts of the right types have impossible values.
        has_prompt: Whether it takes a prompt; otherwise the recorded prompt is only a name.
        many_steps: Whether it needs a walk of many steps, so that few-call models cannot do it.
    """

    facts: Mapping[str, Any]
    overrides: Callable[[TextToImage, Settings, Facts, Sources], SamplingOverrides]
    check: Callable[[Facts], object]
    has_prompt: bool
    many_steps: bool = False
