"""Pictures of a training: grids from fixed noise, the forward process, the curve, the bins."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from ddpm_clip.build import build_ddpm
from ddpm_clip.conditioning.conditioner import Conditioner
from ddpm_clip.generation.text_to_image import TextToImage
from ddpm_clip.training import samples
from ddpm_clip.training.steps.prepared import Prepared
from ddpm_clip.types import TrainStep
from ddpm_clip.utils.visualization import grid
from tests.tiny_run import CLASSES, tiny_run

SIDE = 12 * 8 + 2
"""Pixels of a picture of 8 pixels in a grid, with the gap."""


@pytest.fixture
def run(tmp_path):
    return tiny_run(tmp_path / "run")


def some(n=12):
    rng = np.random.default_rng(0)
    e = torch.nn.functional.one_hot(torch.arange(n) % 2).float()
    heldout = np.array([0, 5])
    pixels = rng.integers(0, 256, (n, 3, 8, 8), dtype=np.uint8)
    return Prepared(pixels, e, Conditioner.fit(e, e[:2]), heldout)


@pytest.mark.slow
def test_a_grid_shows_prompts_by_scales_from_the_same_noise_every_time(run):
    first, again = (samples.write_samples(run, step).read_bytes() for step in (1, 2))
    assert first == again
    tti = TextToImage.from_pretrained(str(run.folder), "cpu")
    painted = tti.paint_all(CLASSES, tti.settings(n=1, seed=0, guidance=(1.0, 2.0, 3.0)))
    rows = [[one.image for one in painted[i : i + 3]] for i in (0, 3)]
    names = {"row_names": CLASSES, "column_names": ["s = 1", "s = 2", "s = 3"]}
    shown = Image.open(run.folder / "samples" / "step-000001.png")
    assert shown.tobytes() == grid(rows, **names).tobytes()
    assert len({one.tobytes() for row in rows for one in row}) == 6


def test_the_forward_process_shows_four_pictures_from_clean_to_noise(run):
    data, ddpm = some(), build_ddpm(run.config.diffusion, "cpu")
    (path,) = samples.write_forward(run, data, ddpm, animation=False)
    shown = np.asarray(Image.open(path).convert("RGB")).astype(float)
    height, width, _ = shown.shape
    assert (width // SIDE, height // SIDE) == (samples.FORWARD_STEPS, 4)
    top, left = height - 4 * SIDE, width - samples.FORWARD_STEPS * SIDE
    for row in range(4):
        strip = [_cell(shown, top + row * SIDE, left + i * SIDE) for i in (0, 9)]
        picture = data.pixels[row].transpose(1, 2, 0).astype(float)
        clean, noise = (float(np.abs(one - picture).mean()) for one in strip)
        assert clean < 8 < 40 < noise
        assert abs(np.corrcoef(strip[1].ravel(), picture.ravel())[0, 1]) < 0.35


def _cell(sheet, top, left):
    """One picture of the sheet, at its own size."""
    return sheet[top + 6 : top + 96 : 12, left + 6 : left + 96 : 12]


def test_the_curve_leaves_out_steps_that_were_skipped(run, monkeypatch):
    drawn = []
    monkeypatch.setattr(samples, "loss_curve", lambda *given, **more: drawn.append((given, more)))
    step = TrainStep(1, 0.1, 0.5, 1e-3, 1.0, 1.0, None)
    losses = [(1, 0.5, None), (2, float("nan"), None), (3, 0.25, 0.75)]
    run.append_history([replace(step, step=i, loss=a, heldout_loss=b) for i, a, b in losses])
    samples.write_curve(run)
    (steps, values, path), heldout = drawn[0]
    assert (steps, values, path.name) == ([1, 3], [0.5, 0.25], "loss.png")
    assert heldout == {"heldout": ([3], [0.75])}


def test_the_bins_of_the_held_out_loss_are_written(run):
    tti = TextToImage.from_pretrained(str(run.folder), "cpu")
    path = samples.write_validation(run, some(), tti)
    bins = json.loads(path.read_text())["bins"]
    assert [one["n"] for one in bins] == [1, 1]
    assert all(one["with_condition"] != one["without_condition"] for one in bins)
