"""One batch: its sampling steps followed to their end, and what its settings rule out."""

import warnings
from collections.abc import Generator, Iterable, Sequence

import torch

from ddpm_clip.errors import DdpmClipWarning, NonFiniteError, UsageError
from ddpm_clip.generation.request import (
    GenerationRequest,
    Painted,
    SamplingOverrides,
    guidable,
    placed,
)
from ddpm_clip.generation.settings import Settings
from ddpm_clip.types import Progress, Step
from ddpm_clip.utils.tensors import to_picture, to_uint8


def check_together(
    requests: Sequence[GenerationRequest],
    settings: Settings,
    overrides: SamplingOverrides,
    name: str,
) -> None:
    """Check settings and overrides against each other; `name` is the model's.

    Warns if a CLIP should guide, but the requests have no words that it could guide by.

    Raises:
        UsageError: Conditions are given, but the model paints without any.
    """
    if settings.unconditional and overrides.conditions is not None:
        raise UsageError(
            f"{name} paints without conditions",
            "it would ignore a picture or a mixture of prompts",
            "choose a model that was trained with conditions",
            param="unconditional",
        )
    if settings.clip_guidance > 0 and not guidable(requests):
        warnings.warn(
            f"clip_guidance = {settings.clip_guidance:g} is ignored: there are no "
            "words that a CLIP could guide by",
            DdpmClipWarning,
            stacklevel=3,
        )


def painted_batch(
    steps: Iterable[Step],
    batch: Sequence[GenerationRequest],
    number: int,
    overrides: SamplingOverrides,
    progress: tuple[int, int],
    keep_frames: bool,
) -> Generator[Progress, None, list[Painted]]:
    """Paint one batch; `progress` is how many steps were done before it, of how many."""
    frames, pictures = [], None
    for i, step in enumerate(steps, start=1):
        pictures = step.x_prev
        if keep_frames:
            frames.append(to_uint8(step.pred.x_0).cpu())
        yield Progress("paint", progress[0] + i, progress[1])
    if pictures is None:  # no steps: `x_start` is the result
        assert overrides.x_start is not None
        pictures = overrides.x_start(batch)
    if not pictures.isfinite().all():
        raise NonFiniteError(
            "a picture has NaN or infinite values", "the guidance may be too strong for this model"
        )
    strips = torch.stack(frames, 1) if frames else None
    return [
        placed(to_picture(x), batch, number, at, None if strips is None else strips[at])
        for at, x in enumerate(pictures)
    ]
