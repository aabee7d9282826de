"""The kind `trace`: how one picture came out of noise, step by step.

The picture is painted again with the same parameters while its steps are seen: the noisy picture,
the clean picture that the network predicts, and what the words add to that prediction. So it shows
the walk of the very picture, edits included. Few-call models have no such walk of many steps, but
their few steps are shown likewise; guidance is built into them, so nothing is added apart.
"""

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from ddpm_clip.errors import DataError
from ddpm_clip.server.kinds.following import data_url
from ddpm_clip.server.service.events import Event
from ddpm_clip.server.service.kind import Context, JobKind, Result
from ddpm_clip.studio.kinds.origins import Origins
from ddpm_clip.studio.kinds.painting_again import (
    AgainRequest,
    checked,
    parameters_of,
    repainted,
    steps_of,
)

if TYPE_CHECKING:
    from torch import Tensor

    from ddpm_clip.diffusion.schedules import NoiseSchedule
    from ddpm_clip.types import Step

MOST_STEPS = 64
"""Most steps that are shown; of more, as many are taken evenly, the first and the last included."""


@dataclass
class SeenSteps:
    """Keeps what is shown of each step.

    Attributes:
        place: Position of the picture in its batch.
    """

    place: int
    t: list[float] = field(default_factory=list)
    x_t: list["Tensor"] = field(default_factory=list)
    x_0: list["Tensor"] = field(default_factory=list)
    words: list["Tensor | None"] = field(default_factory=list)

    def watch(self, steps: "Iterable[Step]") -> "Iterator[Step]":
        """Pass the steps on; for `TextToImage.watched_by`."""
        for one in steps:
            self._keep(one)
            yield one

    def _keep(self, one: "Step") -> None:
        cond, uncond = one.pred.x_0_cond, one.pred.x_0_uncond
        both = cond is not None and uncond is not None
        self.t.append(one.t)
        self.x_t.append(one.x_t[self.place].detach().cpu())
        self.x_0.append(one.pred.x_0[self.place].detach().cpu())
        if both and cond is not None and uncond is not None:
            self.words.append((cond - uncond)[self.place].detach().cpu())
        else:
            self.words.append(None)


def trace_kind(origins: Origins) -> JobKind:
    """Return the kind."""
    return JobKind(AgainRequest, partial(trace, origins), checked)


def trace(
    origins: Origins, context: Context, request: AgainRequest
) -> Generator[Event, None, Result]:
    """Paint a picture again, and return its steps."""
    facts = parameters_of(context.picture(request.picture).data)
    seen = SeenSteps(facts.get("position", 0))  # which is checked before painting
    watched = context.tti.watched_by(seen.watch)
    found = yield from steps_of(repainted(context, request, origins.of(request.picture), watched))
    if not seen.t:
        raise DataError(
            "this picture has no steps",
            "it was made by an edit that paints nothing",
            "choose a strength above 0",
        )
    told = _told(seen, context.tti.model.ddpm.schedule)
    return told | {"equal": found.equal, "parameters": facts}


def _told(seen: SeenSteps, schedule: "NoiseSchedule") -> dict[str, Any]:
    """Return what is shown of each step, pictures as data URLs."""
    rows = evenly(len(seen.t))
    largest = max((float(one.abs().max()) for one in seen.words if one is not None), default=0.0)
    scale = 1 / largest if largest > 0 else 0.0
    height, width = seen.x_0[0].shape[-2:]
    steps = [_step(seen, row, schedule, scale) for row in rows]
    return {"steps": steps, "width": width, "height": height}


def _step(seen: SeenSteps, row: int, schedule: "NoiseSchedule", scale: float) -> dict[str, Any]:
    """Return one step.

    The noisy picture is scaled by what noise adds to it, so that its contrast stays visible. What
    the words add is scaled alike in all steps, so that grey is nothing and the steps compare.
    """
    alpha, sigma = schedule.at(seen.t[row])
    told: dict[str, Any] = {
        "t": round(seen.t[row], 4),
        "sigma_over_alpha": round(sigma / max(alpha, 1e-12), 6),
        "x_t": _shown(seen.x_t[row] / (1 + 2 * sigma)),
        "x_0": _shown(seen.x_0[row]),
    }
    words = seen.words[row]
    if words is not None and scale:
        told |= {"words": _shown(scale * words), "words_scale": round(scale, 4)}
    return told


def _shown(x: "Tensor") -> str:
    from ddpm_clip.utils.tensors import to_picture
    from ddpm_clip.utils.visualization import encoded_png

    return data_url(encoded_png(to_picture(x)))


def evenly(count: int) -> list[int]:
    """Return at most `MOST_STEPS` positions of `count`, evenly spaced, both ends included.

    >>> evenly(3), len(evenly(400)), evenly(400)[-1]
    ([0, 1, 2], 64, 399)
    """
    if count <= MOST_STEPS:
        return list(range(count))
    return [round(i * (count - 1) / (MOST_STEPS - 1)) for i in range(MOST_STEPS)]
