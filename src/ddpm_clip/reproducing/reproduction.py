"""`reproduce`: a picture that says how it was painted, painted again and compared.

Knows nothing of commands.
"""

import os
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from ddpm_clip.data.pictures.images import open_image
from ddpm_clip.data.pictures.png_texts import damaged
from ddpm_clip.errors import DataError, MissingInput, UsageError
from ddpm_clip.generation.files import parameters, save_painted
from ddpm_clip.generation.request import Painted
from ddpm_clip.generation.settings import Settings
from ddpm_clip.generation.text_to_image import TextToImage
from ddpm_clip.reproducing.comparing import Comparison, compare
from ddpm_clip.reproducing.recipe import Recipe, read_recipe
from ddpm_clip.reproducing.repainting import Given, repainted, threads
from ddpm_clip.runs.pretrained import LoadedModel
from ddpm_clip.types import Progress
from ddpm_clip.weights import shipped_names

MANY_THREADS = 64
"""That are taken on any machine; more only where it has as many processors."""

ROUNDED = {
    "ddpm_clip": "with ddpm_clip",
    "torch": "with PyTorch",
    "device": "on",
    "cpu": "on a CPU with",
    "threads": "with threads",
    "packed": "by a packed model:",
}
"""Facts that decide in which order and how finely sums are rounded, and how they are told."""


@dataclass(frozen=True, slots=True, eq=False)
class Reproduction:
    """A picture that was painted again.

    Attributes:
        recipe: what the first one says of itself.
        painted: the second one.
        comparison: of their pixels.
        facts: what the file of the second one says.
        model: that painted it.
        settings: with which it did.
    """

    recipe: Recipe
    painted: Painted
    comparison: Comparison
    facts: dict[str, Any]
    model: LoadedModel
    settings: Settings

    @property
    def equal(self) -> bool:
        """Is every pixel the same?"""
        return self.comparison.equal

    @property
    def notes(self) -> list[str]:
        """What is otherwise than it was, and may have rounded otherwise."""
        then, now = self.recipe.facts, self.facts
        return [
            f"painted {what} {str(then[name])[:40]}, here {now[name]}"
            for name, what in ROUNDED.items()
            if name in then and then[name] != now[name]
        ]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        facts = self.recipe.facts
        told = {name: facts[name] for name in ("model", "model_fingerprint", "prompt", "seed")}
        return {
            "picture": str(self.recipe.file),
            **self.comparison.as_dict(),
            **told,
            "mode": facts.get("mode"),
            "notes": self.notes,
        }

    def save(self, out: Path) -> Path:
        """Write the second picture as `generate` does; where it was put.

        Raises:
            UsageError: `out` is no .png. CannotCreate: nothing can be written there.
        """
        checked_out(out)
        with threads(self.facts["threads"]):  # which the file records
            (file,) = save_painted(
                [self.painted], self.model, self.settings, out, sheet=self.painted.image
            )
        return file.file


def reproduce(
    picture: str | Path,
    model: "TextToImage | str | None" = None,
    *,
    device: str | None = None,
    sources: Sequence[str | Path | Image.Image] = (),
    mask: str | Path | Image.Image | None = None,
    clip_guide: str | None = None,
) -> Generator[Progress, None, Reproduction]:
    """Paint a picture again from what it says of itself, and compare the pixels.

    Its batch, its place there and its threads are repeated, so that on the same machine not a bit
    differs. PyTorch's number of threads is another while this runs.

    Args:
        picture: a PNG of ours with its parameters.
        model: that painted it, open or by name; None finds one that ships by the picture's word.
        device: None takes that of the picture, where there is one.
        sources: what it was edited from.
        mask: under which it was painted.
        clip_guide: the model whose CLIP guided; None finds one that ships.

    Raises:
        MissingInput: picture, model, source or mask is not there, or none is given.
        BadImage: the picture cannot be decoded.
        DataError: it does not say how it was painted, or what cannot be; it is of another model,
            or what is given is not what it was edited from.
    """
    recipe = read_recipe(picture)
    first = open_image(recipe.file)
    with threads(min(recipe.facts["threads"], max(MANY_THREADS, os.cpu_count() or 1))):
        # statistics are worked out on opening, so that it counts there as well
        tti = model if isinstance(model, TextToImage) else _opened(recipe, model, device)
        _check_model(recipe, tti.model)
        settings = replace(recipe.settings, clip_guide=_guide(recipe, clip_guide))
        try:
            again = yield from repainted(tti, recipe, settings, Given(sources, mask))
        except UsageError as error:  # what was wished for is the picture's word, and no option
            raise DataError(
                f"{recipe.file} cannot be painted again by {tti.model.name}", error.what, error.fix
            ) from error
        facts = parameters(again, tti.model, settings)
    return Reproduction(recipe, again, compare(first, again.image), facts, tti.model, settings)


def checked_out(out: Path) -> Path:
    """Where one picture can be written; else a `UsageError`."""
    if out.suffix.lower() != ".png":
        raise UsageError(
            f"out = {str(out)!r} is no .png",
            "one picture is written",
            "--out again.png",
            param="out",
        )
    return out


def _opened(recipe: Recipe, name: str | None, device: str | None) -> TextToImage:
    """The model of a recipe; what the picture calls it is looked up, and never opened as a path."""
    said = recipe.facts["model"]
    if name is None and said not in shipped_names():
        raise MissingInput(
            f"{recipe.file} was painted by the model {said[:80]!r}",
            "that is none of those that ship",
            "--model FOLDER",
            param="model",
        )
    return TextToImage.from_pretrained(name or said, device or _device(recipe.facts["device"]))


def _device(said: str) -> str:
    """The device that a picture names, where it is a kind that is here."""
    kind = said.partition(":")[0]
    here = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    return kind if here.get(kind) else "cpu"


def _check_model(recipe: Recipe, model: LoadedModel) -> None:
    """It is the very model, as far as weights, size and rows tell."""
    facts, (_, height, width) = recipe.facts, model.image_shape
    if facts["model_fingerprint"] != model.fingerprint:
        raise DataError(
            f"{recipe.file} was not painted by this {model.name}",
            f"its model has the fingerprint {facts['model_fingerprint'][:16]}, this one "
            f"{model.fingerprint}: other weights, or the training went on",
            "--model with the model as it was then",
            param="model",
        )
    if facts["size"] != f"{width}x{height}" or recipe.settings.steps > model.ddpm.T:
        raise damaged(
            recipe.file, f"{model.name} paints {width}x{height} in at most {model.ddpm.T} steps"
        )


def _guide(recipe: Recipe, name: str | None) -> str | None:
    """The model whose CLIP guided, by a name that may be opened."""
    said = recipe.settings.clip_guide
    if recipe.settings.clip_guidance == 0 or said is None:
        return None
    if name is None and said not in shipped_names():
        raise MissingInput(
            f"{recipe.file} was guided by the CLIP of {said[:80]!r}",
            "that is none of the models that ship",
            "--clip-guide MODEL",
            param="clip_guide",
        )
    return name or said
