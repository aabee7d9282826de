"""Which real pictures there are, and which of them a model has seen."""

from pathlib import Path

import numpy as np
import pytest
import torch

from ddpm_clip.config.schema import DataConfig
from ddpm_clip.data.local.drawn_flowers import write_folder
from ddpm_clip.data.pictures.pixels import load_pixels
from ddpm_clip.data.sources import open_source
from ddpm_clip.errors import MissingInput
from ddpm_clip.evaluation.report import real_pictures as module
from ddpm_clip.evaluation.report.real_pictures import Pictures, Real, real_pictures
from ddpm_clip.training.prepare.preparation import heldout_rows
from ddpm_clip.utils.generators import finish

NOWHERE = Path("nowhere")


def config(source, **more):
    return DataConfig(source=source, image_size=16, heldout=6, **more)


def all_pixels(source, split="train"):
    return torch.from_numpy(
        load_pixels(open_source(source, split=split, size=16), size=16, channels=3).array
    )


@pytest.mark.slow
def test_training_and_held_out_rows_are_those_of_the_training():
    real = finish(real_pictures(config("drawn-flowers:60"), NOWHERE))
    pixels, rows = all_pixels("drawn-flowers:60"), heldout_rows(60, 6)
    assert torch.equal(real.train.pixels, pixels[np.setdiff1d(np.arange(60), rows)])
    assert torch.equal(real.unseen.pixels[:6], pixels[rows])
    assert torch.equal(real.unseen.pixels[6:], all_pixels("drawn-flowers:60", "test"))
    assert "test split" in real.unseen_is
    assert (real.trained_on, real.heldout) == (54, 6)
    assert real.train.facts[0]["species"]


@pytest.mark.slow
def test_of_very_many_drawings_some_are_drawn_and_the_held_out_ones_stay_held_out(monkeypatch):
    whole, rows = all_pixels("drawn-flowers:60"), heldout_rows(60, 6)
    monkeypatch.setattr(module, "DRAWN", 20)
    real = finish(real_pictures(config("drawn-flowers:60"), NOWHERE))
    assert (len(real.train), real.trained_on, real.heldout) == (20, 54, 6)
    assert torch.equal(real.unseen.pixels[:6], whole[rows])
    for one in real.train.pixels:
        at = (whole == one).flatten(1).all(1).nonzero()[0].item()
        assert at not in rows


def test_a_source_that_is_not_here_is_a_reason_and_no_error(tmp_path):
    real = finish(real_pictures(config(str(tmp_path / "gone" / "cats")), NOWHERE))
    assert (real.name, real.train, real.unseen) == ("cats", None, None)
    assert "no such file or folder" in real.why_not
    assert real.for_comparison(2) == (None, "")


@pytest.mark.slow
def test_against_goes_before_the_runs_own_and_has_to_be_there(tmp_path):
    write_folder(tmp_path / "roses", 5, size=16, seed=3)
    real = finish(real_pictures(config("drawn-flowers:30"), NOWHERE, str(tmp_path / "roses")))
    pictures, what = real.for_comparison(2)
    assert (len(pictures), len(real.train)) == (5, 27)
    assert what == "pictures of roses"
    with pytest.raises(MissingInput):
        finish(real_pictures(config("drawn-flowers:30"), NOWHERE, str(tmp_path / "gone")))


def test_unseen_pictures_are_compared_with_where_they_are_enough():
    some = [Pictures(torch.full((n, 1, 2, 2), n, dtype=torch.uint8), [{}] * n) for n in (9, 4)]
    real = Real("x", *some, "held out")
    assert real.for_comparison(4)[0] is some[1]
    both, what = real.for_comparison(5)
    assert len(both) == 13
    assert "including the training pictures" in what


def test_copies_are_looked_for_beside_pictures_of_the_trainings_own_pool_where_they_are_enough():
    unseen = Pictures(torch.arange(9, dtype=torch.uint8).view(9, 1, 1, 1), [{}] * 9)
    real = Real("x", unseen=unseen, unseen_is="both", heldout=4)
    own, what = real.for_audit(4)
    assert torch.equal(own.pixels, unseen.pixels[:4])
    assert what == "held out of the training"
    assert real.for_audit(5) == (unseen, "both")
    assert Real("x").for_audit(1) == (None, "")
