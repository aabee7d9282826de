"""A mini-CLIP from a folder in which not every picture comes with words."""

import json

import numpy as np
import pytest
from PIL import Image

from ddpm_clip.config.schema import Config
from ddpm_clip.embedders.mini_clip import MiniClip
from ddpm_clip.evaluation.clip.job import HELDOUT, train_clip_run
from ddpm_clip.training.clip.contrastive import train_clip
from ddpm_clip.training.prepare.preparation import heldout_rows
from ddpm_clip.training.prepare.start import settled_embedder
from ddpm_clip.utils.generators import finish

TINY = {"steps": 2, "dim": 4, "width": 8, "text_width": 8, "clip_batch_size": 4}


def config(folder):
    return Config.model_validate(
        {"data": {"source": str(folder), "image_size": 8}, "embedder": TINY}
    )


def pictures(folder, n, captioned):
    """`n` pictures, those with a number in `captioned` with a caption."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for i in range(n):
        pixels = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{i:02d}.png")
    lines = [{"file_name": f"{i:02d}.png", "text": f"picture {i}"} for i in captioned]
    (folder / "metadata.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


@pytest.mark.slow
def test_pictures_without_words_are_left_out_to_the_very_end(tmp_path):
    held = heldout_rows(40, HELDOUT).tolist()
    told = set(range(40)) - set(held[:2])  # of 4 held out, 2 have words
    source = pictures(tmp_path / "photos", n=40, captioned=sorted(told))
    figures = finish(train_clip_run(tmp_path / "clip", config(source)))
    assert figures.n == 2
    prompts = MiniClip.load(tmp_path / "clip").prompt_bank()
    assert set(prompts) <= {f"picture {i}" for i in told}


@pytest.mark.slow
def test_a_clip_is_kept_though_none_of_the_held_out_pictures_has_words(tmp_path):
    told = set(range(40)) - set(heldout_rows(40, HELDOUT).tolist())
    source = pictures(tmp_path / "photos", n=40, captioned=sorted(told))
    assert finish(train_clip_run(tmp_path / "clip", config(source))).n == 0
    assert MiniClip.load(tmp_path / "clip").dim == 4


def test_an_open_choice_of_embedder_takes_the_mini_clip_that_is_named(tmp_path):
    MiniClip(3, 8, 4, 8, 8).save(tmp_path, prompts=["a rose"], card={})
    named = Config.model_validate({"embedder": {"model": str(tmp_path)}})
    found = settled_embedder(named.embedder, named.data.model_copy(update={"source": "mnist"}))
    assert (found.name, found.model) == ("mini_clip", str(tmp_path))


def test_what_is_measured_comes_from_every_class(tmp_path):
    """Class folders are sorted: the last tenth of them would be one class that is never learned."""
    held = heldout_rows(1000, HELDOUT)
    assert held.min() < 200
    assert held.max() >= 800
    assert len(held) == 100


def shown_to(monkeypatch):
    """The options with which mini-CLIPs are trained from now on, and how many pictures."""
    seen = []

    def train(clip, pixels, facts, **options):
        seen.append(options | {"n": len(pixels)})
        return train_clip(clip, pixels, facts, **options)

    monkeypatch.setattr("ddpm_clip.evaluation.clip.job.train_clip", train)
    return seen


@pytest.mark.slow
def test_a_config_that_holds_nothing_out_lets_every_picture_be_learned(tmp_path, monkeypatch):
    seen = shown_to(monkeypatch)
    source = pictures(tmp_path / "photos", n=40, captioned=range(40))
    for heldout in (256, 0):
        data = config(source).data.model_copy(update={"heldout": heldout})
        own = config(source).model_copy(update={"data": data})
        figures = finish(train_clip_run(tmp_path / f"clip-{heldout}", own))
        assert figures.n == (4 if heldout else 40)
    assert [one["n"] for one in seen] == [36, 40]


@pytest.mark.slow
def test_pictures_are_mirrored_and_recoloured_only_where_the_config_says(tmp_path, monkeypatch):
    seen = shown_to(monkeypatch)
    source = pictures(tmp_path / "photos", n=20, captioned=range(20))
    finish(train_clip_run(tmp_path / "plain", config(source)))
    own = Config.model_validate(
        {
            "data": {"source": str(source), "image_size": 8, "flip": True},
            "embedder": TINY | {"augment": 0.5},
        }
    )
    finish(train_clip_run(tmp_path / "other", own))
    assert [(one["mirror"], one["augment"]) for one in seen] == [(False, 0.0), (True, 0.5)]
