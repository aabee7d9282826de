"""A judge from a source of pictures: decode, train, calibrate, measure, save."""

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
"""Largest number of training pictures used only to set the threshold; at most a tenth of them."""

DRAWN_FOR_TEST = 4000
"""Largest number of test pictures, if they are drawn by a generator."""


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
    """Train a judge on the `train` split of a source, measure it on another split, save it.

    The weights are rounded to float16 before calibration and measurement, so that the figures are
    those of the saved file.

    Args:
        folder: a new or empty folder, or that of an earlier judge, which is replaced.
        config: the source, the crop, and whether pictures may be flipped.
        steps: number of optimisation steps.
        seed: random seed of weights, batches and the pictures set aside.
        batch_size: number of pictures per step.
        lr: peak learning rate.
        width: channels of the first level.
        test_split: split of the source on which the judge is measured.
        half: 1 or 2 to train on one half of the pictures only, like `embedder.half`; None for all.

    Raises:
        CannotCreate: the folder holds something else.
        DataError: no attribute of the pictures varies.
    """
    folder = Path(folder)
    if folder.exists() and any(folder.iterdir()) and not (folder / CARD).is_file():
        raise CannotCreate(
            f"{folder} is not empty and does not hold a judge",
            fix="choose another --out",
            param="out",
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
    """Return pixels (n, c, h, w) uint8, the facts of each picture, and the source's classes."""
    source = open_data(config, split)
    pixels = yield from decode(source, config)
    facts = [facts_of(source, i) for i in pixels.indices]
    return torch.from_numpy(pixels.array), facts, source.classes
