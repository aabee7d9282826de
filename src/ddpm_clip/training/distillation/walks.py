"""The teacher's walks: recorded shard by shard into the student's run, then read as one.

    walks/shard-00000.safetensors   states (b, m + 1, c, h, w) fp16, c (b, e), scale (b,)

A shard appears by one rename, and what it holds depends on the config and its number alone, so a
killed recording goes on. States are kept at the timesteps of the jumps only, the first of them
noise and the last the clean picture.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from torch import Tensor

from ddpm_clip.config.schema import Config
from ddpm_clip.data.storage.atomic import replacing
from ddpm_clip.diffusion.samplers import SAMPLERS
from ddpm_clip.errors import StorageError
from ddpm_clip.runs.pretrained import LoadedModel
from ddpm_clip.runs.run import Run
from ddpm_clip.training.distillation.conditions import Asked, Asking
from ddpm_clip.types import Denoiser, Progress
from ddpm_clip.utils.tensors import load_tensors, save_tensors

FOLDER = "walks"

SHARD = 64
"""Walks in a file, which are also taken together."""

DETERMINISTIC = ("dpmpp_2m", "ddim", "heun")
"""Samplers without fresh noise: only their pictures are a function of the first noise."""


@dataclass(frozen=True, slots=True, eq=False)
class Walks:
    """Recorded walks, in memory.

    Attributes:
        states: (n, m + 1, c, h, w) fp16, from noise to the clean picture.
        c: (n, e) conditions.
        scale: (n,) guidance scales.
        levels: sigma/alpha of the first m states, falling.
    """

    states: Tensor
    c: Tensor
    scale: Tensor
    levels: tuple[float, ...]

    def __len__(self) -> int:
        return len(self.states)

    def rows(self, which: Tensor, device: torch.device) -> "Walks":
        """Return some walks in float32 on a device."""
        states, c, scale = (
            part[which].to(device).float() for part in (self.states, self.c, self.scale)
        )
        return Walks(states, c, scale, self.levels)


def visited(teacher: LoadedModel, wanted: Sequence[float], steps: int) -> dict[float, float]:
    """Return for each wanted sigma/alpha the nearest that a walk of the teacher visits.

    Args:
        teacher: the model.
        wanted: levels, falling; the first stands for where walks begin.
        steps: number of steps of the walk.

    Returns:
        Timestep -> sigma/alpha, falling; fewer than wanted where two have the same nearest.
    """
    timesteps = teacher.ddpm.grid(steps)
    alpha, sigma = teacher.ddpm.schedule.at(torch.tensor(timesteps, dtype=torch.float64))
    ratio = (sigma / alpha.clamp(min=1e-12)).log()
    logs = torch.tensor(wanted, dtype=torch.float64).log()
    rows = {0, *(int((ratio - one).abs().argmin()) for one in logs[1:])}
    return {timesteps[i]: float(ratio[i].exp()) for i in sorted(rows)}


def record(
    run: Run, teacher: LoadedModel, asking: Asking, kept: Sequence[float]
) -> Generator[Progress, None, Walks]:
    """Record the walks that the run still lacks, and return all of them; yields `Progress`.

    Args:
        run: the student's run, held by this process.
        teacher: the model that is distilled.
        asking: what the walks are asked for.
        kept: sigma/alpha of the states that are kept, of those that the walk visits.

    Raises:
        StorageError: a shard cannot be written, or is damaged.
    """
    options = run.config.distillation
    sizes = [min(SHARD, options.walks - i) for i in range(0, options.walks, SHARD)]
    folder, found = run.folder / FOLDER, list[dict[str, Tensor]]()
    for number, b in enumerate(sizes):
        path = folder / f"shard-{number:05d}.safetensors"
        if not path.is_file():
            asked = asking.shard(number, b)
            states = taken(teacher, asked, kept, run.config)
            with replacing(path) as temporary:
                shard = {"states": states.half(), "c": asked.c, "scale": asked.scale}
                save_tensors(temporary, shard)
        found.append(_read(path))
        yield Progress("record", number + 1, len(sizes), f"{sum(sizes[: number + 1]):,} walks")
    states, c, scale = (
        torch.cat([shard[name] for shard in found]) for name in ("states", "c", "scale")
    )
    return Walks(states, c, scale, tuple(kept))


def taken(teacher: LoadedModel, asked: Asked, kept: Sequence[float], config: Config) -> Tensor:
    """Take the teacher's walks; return their states (b, m + 1, c, h, w) on the CPU.

    The teacher paints with its own guidance interval, clamp and rescale; with its own sampler as
    well, unless that draws fresh noise.
    """
    own, steps = teacher.config.generation, config.distillation.walk_steps
    sampler = own.sampler if own.sampler in DETERMINISTIC else DETERMINISTIC[0]
    timesteps = visited(teacher, kept, steps)
    states: list[Tensor] = []
    for step in teacher.ddpm.walk(
        cast(Denoiser, teacher.network),
        asked.c.to(teacher.device),
        scale=asked.scale,
        interval=own.interval,
        clamp=own.clamp,
        rescale=own.rescale,
        sampler=SAMPLERS[sampler],
        steps=steps,
        seeds=asked.seeds,
    ):
        states += [step.x_t] if step.t in timesteps else []
    return torch.stack([*states, step.x_prev.clamp(-1, 1)], 1).float().cpu()


def _read(path: Path) -> dict[str, Tensor]:
    try:
        shard = load_tensors(path)
        if shard.keys() != {"states", "c", "scale"}:
            raise ValueError(f"it holds {', '.join(sorted(shard)) or 'nothing'}")
        return shard
    except (OSError, ValueError) as error:
        raise StorageError(
            f"cannot read {path}", str(error)[:200], "delete it: it is recorded again"
        ) from error
