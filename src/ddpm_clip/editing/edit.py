"""What an edit is to everything around it: what its pictures record, and how they come back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor

from ddpm_clip.editing.pictures import Picture
from ddpm_clip.generation.request import SamplingOverrides
from ddpm_clip.generation.settings import Settings
from ddpm_clip.generation.text_to_image import TextToImage

Facts = Mapping[str, Any]
"""What a picture records of how it was painted."""

OF_A_PICTURE: dict[str, Any] = {"source": str, "source_digest": str}
"""The kinds of `Picture.facts`."""


class Sources(Protocol):
    """Where an edit finds again what it was made from, by the hashes that a picture records."""

    def find(self, name: str, digest: str) -> Picture:
        """The picture with this hash; its name is for people."""
        ...

    def mask(self, picture: Picture, digest: str) -> Tensor:
        """(1, h, w) the mask with this hash, for a picture."""
        ...


@dataclass(frozen=True, slots=True)
class Edit:
    """One way to make pictures from pictures; its name in `EDITS` is the mode that files record.

    Attributes:
        facts: what its pictures record beside the settings: name -> kind, as `isinstance` takes it.
        overrides: how it was sampled, from what a picture records and what it was made from.
        check: raises a `UsageError` where facts of these kinds cannot have been recorded.
        has_prompt: are its pictures asked for in words? Else their prompt is only a name.
    """

    facts: Mapping[str, Any]
    overrides: Callable[[TextToImage, Settings, Facts, Sources], SamplingOverrides]
    check: Callable[[Facts], object]
    has_prompt: bool
