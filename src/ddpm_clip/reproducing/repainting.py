"""The walk of a recipe once more: the same batch, the same threads, the same overrides.

A picture's last bits depend on how many were painted beside it and where it stood, and not on what
the others show: its batch is filled up with its like. Knows nothing of files that are written, or
of what is compared.
"""

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from ddpm_clip.editing.pictures import Picture, mask_digest, open_mask, open_picture
from ddpm_clip.errors import DataError, MissingInput
from ddpm_clip.generation.request import PLAIN, GenerationRequest, Painted
from ddpm_clip.generation.settings import Settings
from ddpm_clip.generation.text_to_image import TextToImage
from ddpm_clip.reproducing.recipe import Recipe
from ddpm_clip.runs.pretrained import LoadedModel
from ddpm_clip.types import Progress

AnyPicture = str | Path | Image.Image


@dataclass(frozen=True, slots=True)
class Given:
    """What an edit was made from; a picture says its hash, and never holds it.

    Attributes:
        sources: the pictures that were edited, in any order.
        mask: of `inpaint`.
    """

    sources: Sequence[AnyPicture] = ()
    mask: AnyPicture | None = None


def repainted(
    tti: TextToImage, recipe: Recipe, settings: Settings, given: Given
) -> Generator[Progress, None, Painted]:
    """Paint the picture of a recipe again, where it stood in its batch.

    Args:
        tti: the model that painted it.
        recipe: of the picture.
        settings: its own, where need be with another name for the guiding model.
        given: what it was edited from.

    Raises:
        MissingInput: a source or the mask is not given, or not there.
        DataError: another was given. BadImage: it is no picture.
    """
    overrides = PLAIN
    if recipe.edit is not None:
        sources = _Sources(recipe.file, given, tti.model)
        overrides = recipe.edit.overrides(tti, settings, recipe.facts, sources)
    painted = yield from tti.paint_requests(_batch(recipe), settings, overrides=overrides)
    return replace(painted[recipe.facts["position"]], batch=recipe.facts["batch"])


@contextmanager
def threads(count: int) -> Iterator[None]:
    """So many threads for PyTorch in here, and as many as before behind."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _batch(recipe: Recipe) -> list[GenerationRequest]:
    """As many requests as there were; the others differ in guidance only, where they did."""
    facts, own = recipe.facts, recipe.settings.guidance[0]
    request = GenerationRequest(
        facts["prompt"], 0, recipe.settings.seed, own, recipe.edit_facts, recipe.has_words
    )
    others = sorted(recipe.scales, key=lambda scale: scale == own)  # first those that it has not
    batch = [replace(request, guidance=others[i % 2]) for i in range(facts["batch_pictures"] - 1)]
    batch.insert(facts["position"], request)
    return batch


class _Sources:
    """The pictures that were given, found by the hash of their pixels.

    Args:
        file: the picture that was made of them.
        given: by whoever wants it again.
        model: cuts them as it did.
    """

    def __init__(self, file: Path, given: Given, model: LoadedModel):
        self._file, self._given, self._model = file, given, model
        self._opened: list[Picture] | None = None

    def find(self, name: str, digest: str) -> Picture:
        """The one with this hash.

        Raises:
            MissingInput: none is given. DataError: others are.
        """
        if not self._given.sources:
            raise MissingInput(
                f"{self._file} was made of the picture {_short(name)}",
                "of that it records the name and a hash of the pixels",
                "--source FILE",
                param="source",
            )
        if self._opened is None:
            self._opened = [open_picture(one, self._model) for one in self._given.sources]
        for picture in self._opened:
            if picture.digest == digest:
                return picture
        told = ", ".join(picture.name for picture in self._opened)
        raise DataError(
            f"{told} is not what {self._file} was made of",
            f"its pixels are not those of {_short(name)}, hash {_short(digest)}",
            "give that picture: --source FILE",
            param="source",
        )

    def mask(self, picture: Picture, digest: str) -> Tensor:
        """(1, h, w) the mask with this hash.

        Raises:
            MissingInput: none is given. DataError: another is.
        """
        if self._given.mask is None:
            raise MissingInput(
                f"{self._file} was painted under a mask",
                "of that it records a hash",
                "--mask FILE",
                param="mask",
            )
        paint = open_mask(self._given.mask, picture, self._model)
        if mask_digest(paint) != digest:
            raise DataError(
                f"the mask is not that of {self._file}",
                f"another was painted under, hash {_short(digest)}",
                "give that mask: --mask FILE",
                param="mask",
            )
        return paint


def _short(text: str) -> str:
    return repr(text if len(text) <= 80 else text[:80] + "…")
