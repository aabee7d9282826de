"""Read and validate the parameters that a picture records.

The texts in a picture may come from anyone (`data/pictures/png_texts.py` limits their size and
types). Here they must be complete and within the ranges of `generation/settings.py` and
`judging.py`. Names in them are only compared, never opened as paths.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ddpm_clip
from ddpm_clip.config.painting_options import OPTIONS
from ddpm_clip.data.pictures.images import BadImage
from ddpm_clip.data.pictures.png_texts import check_kinds, damaged, read_parameters
from ddpm_clip.editing import EDITS, Edit
from ddpm_clip.embedders.prompts import check_recorded
from ddpm_clip.errors import DataError, MissingInput, UsageError
from ddpm_clip.generation.settings import Settings
from ddpm_clip.reproducing.judging import check_place, check_scales

NEEDED = (
    "ddpm_clip", "prompt", "negative", "seed", "guidance", "steps", "sampler", "bridge", "clamp",
    "interval", "rescale", "unconditional", "size", "model", "model_fingerprint", "dtype",
    "device", "threads", "micro_batch", "batch", "batch_pictures", "batch_guidance", "position",
)  # fmt: skip

OF_THE_GUIDE = tuple(name for name in OPTIONS if name.startswith("clip_"))


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one picture was painted.

    Attributes:
        file: The picture.
        facts: All parameters that it records.
        settings: The settings it was painted with, for a single picture.
        edit: The edit that made it; None for plain painting.
    """

    file: Path
    facts: Mapping[str, Any]
    settings: Settings
    edit: Edit | None

    @property
    def has_words(self) -> bool:
        """Whether the prompt is a real prompt, and not only a name."""
        named = self.edit is not None and not self.edit.has_prompt
        return not named and not self.settings.wordless

    @property
    def scales(self) -> tuple[float, float]:
        """The lowest and highest guidance scale in its batch."""
        low, high = self.facts["batch_guidance"]
        return float(low), float(high)

    @property
    def edit_facts(self) -> dict[str, Any]:
        """The facts that its edit recorded besides the settings."""
        names = () if self.edit is None else ("mode", *self.edit.facts)
        return {name: self.facts[name] for name in names}


def read_recipe(picture: str | Path) -> Recipe:
    """Read the parameters of a picture and validate them.

    Raises:
        MissingInput: There is no such file.
        BadImage: The picture cannot be read.
        DataError: The parameters are missing, incomplete or impossible, or written by a later
            version of ddpm_clip.
    """
    file = Path(picture)
    facts = _read(file)
    _check_version(file, facts)
    mode = facts.get("mode")
    if mode is not None and mode not in EDITS:
        raise damaged(file, f"unknown mode {mode[:40]!r}; choose from: {', '.join(EDITS)}")
    edit = None if mode is None else EDITS[mode]
    guided = OF_THE_GUIDE if "clip_guidance" in facts else ()
    for name in (*NEEDED, *guided, *(edit.facts if edit else ())):
        if name not in facts:
            raise DataError(
                f"{file} does not record enough to paint it again",
                f"it lacks {name!r}; ddpm_clip {facts['ddpm_clip'][:20]} wrote it",
                "use `generate` with the prompt and the seed that it records",
            )
    if edit is not None:
        check_kinds(file, facts, edit.facts)
    try:
        recipe = Recipe(file, facts, _settings(facts), edit)
        check_place(facts, recipe.settings)
        check_scales(facts, recipe.settings)
        if edit is not None:
            edit.check(facts)
        if recipe.has_words:
            check_recorded(facts["prompt"])
    except UsageError as error:
        raise damaged(file, error.what) from error
    return recipe


def _read(file: Path) -> dict[str, Any]:
    try:
        return read_parameters(file)
    except BadImage as error:
        if error.reason != "missing":
            raise
        raise MissingInput(
            f"no picture {os.fspath(file)!r}",
            "there is no such file",
            "check the path",
            param="picture",
        ) from error


def _check_version(file: Path, facts: Mapping[str, Any]) -> None:
    """Refuse pictures of a later version: their pixels may depend on features unknown here."""
    version = str(facts.get("ddpm_clip", ""))
    if not re.fullmatch(r"\d{1,6}(\.\d{1,6}){1,3}", version):
        raise damaged(file, f"invalid version of ddpm_clip: {version[:20]!r}")
    if _numbers(version) > _numbers(ddpm_clip.__version__):
        raise DataError(
            f"{file} was painted by ddpm_clip {version}",
            f"this is {ddpm_clip.__version__}, and its pixels may depend on newer features",
            f"install ddpm_clip {version} or later",
        )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def _settings(facts: Mapping[str, Any]) -> Settings:
    """Return the settings of the picture, validated like those of a user.

    Versions that did not record whether conditions were bounded left them as they were.
    """
    named: dict[str, Any] = {"bounded": False} | {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in facts.items()
        if name in Settings.__dataclass_fields__
    }
    named |= {"n": 1, "guidance": (facts["guidance"],), "batch": facts["micro_batch"]}
    settings = Settings(**named)
    settings.check()
    if settings.negative is not None:
        check_recorded(settings.negative)
    return replace(settings, guidance=(float(facts["guidance"]),))
