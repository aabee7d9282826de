"""Repeat the sampling of a recipe: same batch, same threads, same overrides.

The last bits of a picture depend on the size of its batch and its position there, but not on what
the other pictures show. So the batch is filled with copies of the picture's own request.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

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
    """The inputs of an edit, given by the user; the result records only their hashes.

    Attributes:
        sources: The pictures that were edited, in any order.
        mask: The mask of `inpaint`.
    """

    sources: Sequence[AnyPicture] = ()
    mask: AnyPicture | None = None


def repainted(
    tti: TextToImage, recipe: Recipe, settings: Settings, given: Given
) -> Generator[Progress, None, Painted]:
    """Paint the picture of a recipe again, at the same position in its batch.

    Args:
        tti: The model that painted it.
        recipe: How it was painted.
        settings: Those of the recipe, except perhaps for the name of the guiding model.
        given: The inputs of its edit.

    Raises:
        MissingInput: A source or the mask is not given, or does not exist.
        DataError: A source or the mask is not the original one.
        BadImage: A source or the mask cannot be read as a picture.
    """
    overrides = PLAIN
    if recipe.edit is not None:
        sources = _Sources(recipe.file, given, tti.model)
        overrides = recipe.edit.overrides(tti, settings, recipe.facts, sources)
    painted = yield from tti.paint_requests(_batch(recipe), settings, overrides=overrides)
    return replace(painted[recipe.facts["position"]], batch=recipe.facts["batch"])


def _batch(recipe: Recipe) -> list[GenerationRequest]:
    """Make as many requests as the batch had; the others differ at most in their guidance."""
    facts, own = recipe.facts, recipe.settings.guidance[0]
    request = GenerationRequest(
        facts["prompt"], 0, recipe.settings.seed, own, recipe.edit_facts, recipe.has_words
    )
    others = sorted(
        recipe.scales, key=lambda scale: scale == own
    )  # first the scale that differs from its own
    batch = [replace(request, guidance=others[i % 2]) for i in range(facts["batch_pictures"] - 1)]
    batch.insert(facts["position"], request)
    return batch


class _Sources:
    """Finds the given pictures by the hash of their pixels.

    Args:
        file: The picture that was made from them.
        given: The inputs that the user gave.
        model: Determines how they are cropped.
    """

    def __init__(self, file: Path, given: Given, model: LoadedModel):
        self._file, self._given, self._model = file, given, model
        self._opened: list[Picture] | None = None

    def find(self, name: str, digest: str) -> Picture:
        """Return the picture with this hash.

        Raises:
            MissingInput: No sources are given.
            DataError: None of the given sources has this hash.
        """
        if not self._given.sources:
            raise MissingInput(
                f"{self._file} was made from the picture {_short(name)}",
                "it records only the name of that picture and a hash of the pixels",
                "give that picture: --source FILE",
                param="source",
            )
        if self._opened is None:
            self._opened = [open_picture(one, self._model) for one in self._given.sources]
        for picture in self._opened:
            if picture.digest == digest:
                return picture
        names = ", ".join(picture.name for picture in self._opened)
        raise DataError(
            f"{names} is not what {self._file} was made from",
            f"its pixels differ from those of {_short(name)}, hash {_short(digest)}",
            "give that picture: --source FILE",
            param="source",
        )

    def mask(self, picture: Picture, digest: str) -> Tensor:
        """Return the mask (1, h, w) with this hash.

        Raises:
            MissingInput: No mask is given.
            DataError: The given mask has another hash.
        """
        if self._given.mask is None:
            raise MissingInput(
                f"{self._file} was painted with a mask",
                "it records only a hash of that mask",
                "give that mask: --mask FILE",
                param="mask",
            )
        paint = open_mask(self._given.mask, picture, self._model)
        if mask_digest(paint) != digest:
            raise DataError(
                f"the mask is not that of {self._file}",
                f"it was painted with another one, hash {_short(digest)}",
                "give that mask: --mask FILE",
                param="mask",
            )
        return paint


def _short(text: str) -> str:
    return repr(text if len(text) <= 80 else text[:80] + "…")
