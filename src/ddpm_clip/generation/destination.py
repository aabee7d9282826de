"""Where finished batches go: by default they are only returned."""

from collections.abc import Sequence
from typing import Protocol

from ddpm_clip.generation.request import GenerationRequest, Painted


class Destination(Protocol):
    """Gets each batch as soon as it is painted, and may already have some.

    `TextToImage.writing_to` sets one; `picture_folder.PictureFolder` writes files.
    """

    def begin(self, requests: Sequence[GenerationRequest]) -> None:
        """Prepare for all pictures of a call, before the first is painted."""

    def found(self, batch: Sequence[GenerationRequest], number: int) -> list[Painted] | None:
        """Return what `keep` returned for a batch that need not be painted again, or None."""

    def keep(self, batch: list[Painted]) -> list[Painted]:
        """Keep a finished batch; return those pictures that are still needed in memory."""
        ...


class InMemory:
    """Keeps all pictures in memory."""

    def begin(self, requests: Sequence[GenerationRequest]) -> None:
        """Nothing is prepared."""

    def found(self, batch: Sequence[GenerationRequest], number: int) -> list[Painted] | None:
        """Every batch is painted."""
        return None

    def keep(self, batch: list[Painted]) -> list[Painted]:
        """Return the batch as it is."""
        return batch
