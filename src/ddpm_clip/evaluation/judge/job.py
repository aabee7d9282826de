"""A judge from a source to a folder: decode, train, calibrate, measure, save.

Knows nothing of commands or of the models that will be judged.
"""

from collections.abc import Generator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

import ddpm_clip
from ddpm_clip.config.schema import DataConfig
from ddpm_clip.data.captions.grammars import facts_of
from ddpm_clip.errors import CannotCreate
from ddpm_clip.evaluation.judge.network import CARD, JudgeNet
from ddpm_clip.evaluation.judge.training import (
    JudgeFigures,
    JudgeStep,
    attributes_of,
    calibrate,
    measure_judge,
    train_judge,
)
from ddpm_clip.training.prepare.pictures import decode, half_of, open_data
from ddpm_clip.types import Progress

SET_ASIDE = 2000
"""At most so many training pictures, and never more than a tenth, only set the threshold."""

DRAWN_FOR_TEST = 4000
"""Pictures measured on, where they are drawn for the purpose."""


def train_judge_run(
    folder: str | Path,
    config: DataConfig,
    *,
    steps: int,
    seed: int = 0,
    batch_size: int = 256,
    lr: float = 4e-3,
    width: int = 32,
    test_split: str = "test",
    half: int | None = None,
) -> Generator[Progress | JudgeStep, None, JudgeFigures]:
    """Train a judge on the `train` split of a source, measure it on another one, save it.

    The judge is rounded to fp16 before it is calibrated and measured: the figures are those of
    the file.

    Args:
        folder: new, empty, or of an earlier judge, which is replaced.
        config: the source, how its pictures are cut, and whether they may be mirrored.
        steps: optimisation steps.
        seed: of weights, batches and what is set aside.
        batch_size: pictures a step.
        lr: largest learning rate.
        width: channels of the first level.
        test_split: split of the source that is measured on.
        half: 1 or 2, to learn from that half only, as `embedder.half` of a mini-CLIP.

    Raises:
        CannotCreate: the folder holds something else. DataError: nothing to tell apart.
    """
    folder = Path(folder)
    if folder.exists() and any(folder.iterdir()) and not (folder / CARD).is_file():
        raise CannotCreate(
            f"{folder} is no judge", "it holds something else", "choose another --out", param="out"
        )
    x, facts, classes = yield from _pictures(config, "train")
    torch.manual_seed(seed)
    net = JudgeNet(attributes_of(facts, classes), config.channels, config.image_size, width)
    own = torch.from_numpy(half_of(np.arange(len(x)), half))
    order = own[torch.randperm(len(own), generator=torch.Generator().manual_seed(seed))]
    aside, rows = order.split([k := min(SET_ASIDE, max(1, len(own) // 10)), len(own) - k])
    chosen = [facts[i] for i in rows.tolist()]
    yield from train_judge(
        net,
        x[rows],
        chosen,
        steps=steps,
        batch_size=batch_size,
        lr=lr,
        seed=seed,
        mirror=bool(config.flip),
    )
    net.half().float()
    calibrate(net, x[aside])
    fewer = config.model_copy(update={"draw": min(config.draw, DRAWN_FOR_TEST)})
    x_test, facts_test, _ = yield from _pictures(fewer, test_split)
    figures = measure_judge(net, x_test, facts_test)
    net.save(
        folder,
        card={
            "figures": asdict(figures),
            "source": config.source,
            "draw_seed": config.draw_seed,
            "trained_on": len(rows),
            "calibrated_on": len(aside),
            "tested_on": test_split,
            "half": half,
            "seed": seed,
            "steps": steps,
            "batch_size": batch_size,
            "lr": lr,
            "ddpm_clip": ddpm_clip.__version__,
        },
    )
    return figures


def _pictures(
    config: DataConfig, split: str
) -> Generator[Progress, None, tuple[Tensor, list[dict[str, str]], tuple[str, ...]]]:
    """Pixels (n, c, h, w) uint8, the facts of each, and the source's classes."""
    source = open_data(config, split)
    pixels = yield from decode(source, config)
    facts = [facts_of(source, i) for i in pixels.indices]
    return torch.from_numpy(pixels.array), facts, source.classes
