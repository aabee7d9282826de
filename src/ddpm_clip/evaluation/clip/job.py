"""Trains a mini-CLIP on a source of pictures: decode, train, measure, save."""

from collections.abc import Generator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from ddpm_clip.build import mini_clip_folder
from ddpm_clip.config.schema import Config
from ddpm_clip.data.captions.grammars import facts_of, measured_facts, sample_captions
from ddpm_clip.embedders.mini_clip import MiniClip
from ddpm_clip.errors import CannotCreate
from ddpm_clip.evaluation.clip.figures import ClipFigures, measure_clip
from ddpm_clip.training.clip.contrastive import ClipTrainStep, train_clip
from ddpm_clip.training.clip.negatives import OutsideTexts
from ddpm_clip.training.prepare.pictures import decode, half_of, open_data
from ddpm_clip.training.prepare.preparation import heldout_rows
from ddpm_clip.types import Progress

PROMPTS = 512
"""Number of captions kept as the prompt bank."""

HELDOUT = 1000
"""Largest number of pictures held out for the figures; none if `data.heldout` is 0."""


def train_clip_run(
    folder: str | Path, config: Config, *, overwrite: bool = False
) -> Generator[Progress | ClipTrainStep, None, ClipFigures]:
    """Train a mini-CLIP on `config.data` with the options in `config.embedder`, and save it.

    Raises:
        CannotCreate: the folder is not empty.
        DataError: the pictures have neither captions nor classes.
    """
    folder, options = Path(folder), config.embedder
    if folder.exists() and any(folder.iterdir()) and not overwrite:
        raise CannotCreate(
            f"{folder} is not empty", fix="choose another --out, or add --overwrite", param="out"
        )
    source = open_data(config.data)
    pixels = yield from decode(source, config.data)
    facts = [facts_of(source, i) for i in pixels.indices]
    if options.measure:
        facts = measured_facts(pixels.array, facts)
    heldout = heldout_rows(len(facts), HELDOUT if config.data.heldout else 0)
    rows = half_of(np.setdiff1d(np.arange(len(facts)), heldout), options.half)
    clip = _start(config)
    x, spent = torch.from_numpy(pixels.array), 0.0
    for step in train_clip(
        clip,
        x[rows],
        [facts[i] for i in rows],
        steps=options.steps,
        lr=options.lr,
        batch_size=options.clip_batch_size,
        loss=options.loss,
        seed=options.seed,
        freeze_image=options.freeze_image,
        noise_aware=options.noise_aware,
        mirror=bool(config.data.flip),
        augment=options.augment,
        outside=OutsideTexts(facts, options.seed).draw if options.outside else None,
    ):
        spent += options.clip_batch_size / step.images_per_second
        yield step
    measured = heldout if len(heldout) else rows
    figures = measure_clip(
        clip, x[measured], [facts[i] for i in measured], heldout=len(heldout) > 0, seconds=spent
    )
    card = {
        "figures": asdict(figures),
        "source": config.data.source,
        "training": options.model_dump(mode="json"),
    }
    known = [one for one in facts if one]
    clip.save(folder, prompts=sample_captions(known, PROMPTS, options.seed), card=card)
    return figures


def _start(config: Config) -> MiniClip:
    """Return an untrained mini-CLIP as configured, or the one to start from."""
    options = config.embedder
    torch.manual_seed(options.seed)
    if options.init:
        return MiniClip.load(mini_clip_folder(options.init))
    return MiniClip(
        config.data.channels,
        config.data.image_size,
        options.dim,
        options.width,
        options.text_width,
        options.max_inverse_temperature,
        options.image_tower,
        options.text_tower,
    )
