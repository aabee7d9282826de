"""`reproduce`: read the parameters that a picture records, paint it again, and compare."""

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
from ddpm_clip.reproducing.repainting import Given, repainted
from ddpm_clip.runs.pretrained import LoadedModel
from ddpm_clip.types import Progress
from ddpm_clip.utils.cpu_threads import threads
from ddpm_clip.weights import shipped_names

MANY_THREADS = 64
"""Most threads to use, unless the machine has more processors."""

ROUNDED = {
    "ddpm_clip": "with ddpm_clip",
    "torch": "with PyTorch",
    "device": "on",
    "cpu": "on a CPU with",
    "threads": "with threads",
    "packed": "by a packed model:",
}
"""Facts that affect rounding errors, and how the notes name them."""


@dataclass(frozen=True, slots=True, eq=False)
class Reproduction:
    """A picture that was painted again.

    Attributes:
        recipe: How the original was painted, as it records.
        painted: The picture painted now.
        comparison: Of the pixels of both.
        facts: The parameters that the file of the new picture records.
        model: The model that painted it.
        settings: The settings it was painted with.
    """

    recipe: Recipe
    painted: Painted
    comparison: Comparison
    facts: dict[str, Any]
    model: LoadedModel
    settings: Settings

    @property
    def equal(self) -> bool:
        """Whether every pixel is the same."""
        return self.comparison.equal

    @property
    def notes(self) -> list[str]:
        """Sentences on each difference from the original conditions that affects rounding."""
        then, now = self.recipe.facts, self.facts
        return [
            f"painted {what} {str(then[name])[:40]}, here {now[name]}"
            for name, what in ROUNDED.items()
            if name in then and then[name] != now[name]
        ]

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        facts = self.recipe.facts
        copied = {name: facts[name] for name in ("model", "model_fingerprint", "prompt", "seed")}
        return {
            "picture": str(self.recipe.file),
            **self.comparison.as_dict(),
            **copied,
            "mode": facts.get("mode"),
            "notes": self.notes,
        }

    def save(self, out: Path) -> Path:
        """Write the new picture as `generate` does, and return its path.

        Raises:
            UsageError: `out` is not a .png.
            CannotCreate: Nothing can be written there.
        """
        checked_out(out)
        with threads(self.facts["threads"]):  # the file records the current number
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
    """Paint a picture again from the parameters it records, and compare the pixels.

    Batch size, position in the batch and number of threads are repeated, so that on the same
    machine the result is bit-exact. PyTorch's number of threads is changed while this runs.

    Args:
        picture: A PNG painted by ddpm_clip, with its parameters.
        model: The model that painted it, or its name; None looks for a shipped one of the recorded
            name.
        device: Where to paint; None means the recorded kind of device, if available.
        sources: The pictures it was edited from.
        mask: The mask it was painted with.
        clip_guide: The model whose CLIP guided; None looks for a shipped one.

    Raises:
        MissingInput: The picture, model, source or mask does not exist, or is needed but not given.
        BadImage: The picture cannot be decoded.
        DataError: Its parameters are missing or impossible, it was painted by another model, or a
            given source or mask is not the original one.
    """
    recipe = read_recipe(picture)
    first = open_image(recipe.file)
    with threads(min(recipe.facts["threads"], max(MANY_THREADS, os.cpu_count() or 1))):
        # opening the model computes statistics, which depend on the threads as well
        tti = model if isinstance(model, TextToImage) else _opened(recipe, model, device)
        _check_model(recipe, tti.model)
        settings = replace(recipe.settings, clip_guide=_guide(recipe, clip_guide))
        try:
            again = yield from repainted(tti, recipe, settings, Given(sources, mask))
        except UsageError as error:  # the fault is in the picture, not in an option
            raise DataError(
                f"{recipe.file} cannot be painted again by {tti.model.name}", error.what, error.fix
            ) from error
        facts = parameters(again, tti.model, settings)
    return Reproduction(recipe, again, compare(first, again.image), facts, tti.model, settings)


def checked_out(out: Path) -> Path:
    """Return the path if it is a .png; otherwise raise a `UsageError`."""
    if out.suffix.lower() != ".png":
        raise UsageError(
            f"out = {str(out)!r} is not a .png",
            "a single picture is written",
            "name a PNG, such as --out again.png",
            param="out",
        )
    return out


def _opened(recipe: Recipe, name: str | None, device: str | None) -> TextToImage:
    """Open the model of a recipe; the recorded name is only looked up, never opened as a path."""
    recorded = recipe.facts["model"]
    if name is None and recorded not in shipped_names():
        raise MissingInput(
            f"{recipe.file} was painted by the model {recorded[:80]!r}",
            "no shipped model has this name",
            "name its run or folder: --model FOLDER",
            param="model",
        )
    return TextToImage.from_pretrained(name or recorded, device or _device(recipe.facts["device"]))


def _device(recorded: str) -> str:
    """Return the kind of the recorded device if it is available, else cpu."""
    kind = recorded.partition(":")[0]
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    return kind if available.get(kind) else "cpu"


def _check_model(recipe: Recipe, model: LoadedModel) -> None:
    """Check that this model painted the picture: its weights, size and number of timesteps."""
    facts, (_, height, width) = recipe.facts, model.image_shape
    if facts["model_fingerprint"] != model.fingerprint:
        raise DataError(
            f"{recipe.file} was not painted by this {model.name}",
            f"its model has the fingerprint {facts['model_fingerprint'][:16]}, this one "
            f"{model.fingerprint}: other weights, or trained further since",
            "give the model as it was then: --model FOLDER",
            param="model",
        )
    if facts["size"] != f"{width}x{height}" or recipe.settings.steps > model.ddpm.T:
        raise damaged(
            recipe.file, f"{model.name} paints {width}x{height} in at most {model.ddpm.T} steps"
        )


def _guide(recipe: Recipe, name: str | None) -> str | None:
    """Return the model whose CLIP guided, by a name that is safe to open."""
    recorded = recipe.settings.clip_guide
    if recipe.settings.clip_guidance == 0 or recorded is None:
        return None
    if name is None and recorded not in shipped_names():
        raise MissingInput(
            f"{recipe.file} was guided by the CLIP of {recorded[:80]!r}",
            "no shipped model has this name",
            "name its run or folder: --clip-guide MODEL",
            param="clip_guide",
        )
    return name or recorded
