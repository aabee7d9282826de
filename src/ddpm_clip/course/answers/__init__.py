"""Reference answers; no lesson imports them.

They are not hidden from anybody who looks, and no secrecy is claimed: `ddpm-clip course answer`
shows them, and the progress of a student says that it did.

- `lesson_00`: words on a circle
- `lesson_01`: half noise, lengths, skips
- `lesson_02`: levels, the jump, the step back, the chain
- `lesson_03`: norm, pooling, overlaps, time, groups
- `lesson_04`: mask, guidance, conversion
- `lesson_05`: similarities, prompts, the contrastive loss
- `lesson_05b`: dropping, shifting, nothing
- `lesson_06`: blocks and the loss
- `lesson_07`: z and verdict
- `lesson_08`: rate, average, pairs
- `lesson_09`: the ideal denoiser
"""

import inspect
from collections.abc import Callable
from typing import Any

from ddpm_clip.course.answers.lesson_00 import neighbour_cosine
from ddpm_clip.course.answers.lesson_01 import half_noise, joined, upsampled
from ddpm_clip.course.answers.lesson_02 import chain, levels, q, step_back
from ddpm_clip.course.answers.lesson_03 import (
    group_norm,
    groups_for,
    overlaps,
    rearrange_pool,
    time_features,
)
from ddpm_clip.course.answers.lesson_04 import context_mask, converted, guided
from ddpm_clip.course.answers.lesson_05 import contrastive_loss, prompts, similarity_matrix
from ddpm_clip.course.answers.lesson_05b import nothing, p_all_dropped, shifted
from ddpm_clip.course.answers.lesson_06 import blocks, loss
from ddpm_clip.course.answers.lesson_07 import verdict, z_against
from ddpm_clip.course.answers.lesson_08 import average, paired, rate
from ddpm_clip.course.answers.lesson_09 import ideal_denoiser

ANSWERS: dict[str, Callable[..., Any]] = {
    "0.1": neighbour_cosine,
    "1.1": half_noise,
    "1.2": upsampled,
    "1.3": joined,
    "2.1": levels,
    "2.2": q,
    "2.3": step_back,
    "2.4": chain,
    "3.1": group_norm,
    "3.2": rearrange_pool,
    "3.3": overlaps,
    "3.4": time_features,
    "3.5": groups_for,
    "4.1": context_mask,
    "4.2": guided,
    "4.3": converted,
    "5.1": similarity_matrix,
    "5.2": prompts,
    "5.3": contrastive_loss,
    "5b.1": p_all_dropped,
    "5b.2": shifted,
    "5b.3": nothing,
    "6.1": levels,
    "6.2": q,
    "6.3": step_back,
    "6.4": blocks,
    "6.5": context_mask,
    "6.6": loss,
    "6.7": guided,
    "7.1": z_against,
    "7.2": verdict,
    "8.1": rate,
    "8.2": average,
    "8.3": paired,
    "9.1": ideal_denoiser,
}
"""Id of an exercise -> its reference answer."""


def source(id: str) -> str:
    """Return the source text of a reference answer."""
    return inspect.getsource(ANSWERS[id])
