"""The promise: who sees which pictures, who may judge, and what the minutes mean."""

import importlib
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from ddpm_clip.errors import DataError

HOME = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def promise(monkeypatch):
    monkeypatch.syspath_prepend(str(HOME))
    return importlib.import_module("promise")


@pytest.fixture
def data(monkeypatch):
    monkeypatch.syspath_prepend(str(HOME))
    return importlib.import_module("promise_data")


@pytest.fixture
def training(monkeypatch):
    monkeypatch.syspath_prepend(str(HOME))
    return importlib.import_module("promise_training")


@pytest.fixture
def judging(monkeypatch):
    monkeypatch.syspath_prepend(str(HOME))
    return importlib.import_module("strong_judge")


@pytest.fixture
def folder(tmp_path):
    """Sixty pictures in two class folders, each different."""
    rng = np.random.default_rng(0)
    for name in ("cat", "truck"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for i in range(30):
            pixels = rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / name / f"{i}.png")
    return tmp_path / "photos"


def images(pack, split="train"):
    with np.load(pack) as arrays:
        return {one.tobytes() for one in arrays[f"{split}_images"]}


# --- the pictures -------------------------------------------------------------------------------


def test_every_picture_is_dealt_to_exactly_one_part(data):
    rows = data.dealt(1000, seed=1)
    assert sorted(np.concatenate(list(rows.values())).tolist()) == list(range(1000))
    assert set(rows) == set(data.SHARES)


@pytest.mark.slow
def test_the_packs_share_no_picture_and_the_denoisers_has_no_label(folder, tmp_path, data, judging):
    packs = data.deal(str(folder), 16, tmp_path / "packs")
    parts = [images(packs.clip), images(packs.denoiser), images(packs.judge)]
    parts.append(images(packs.test, "test"))
    assert sum(map(len, parts)) == len(set.union(*parts)) == 60
    with np.load(packs.denoiser) as arrays:
        assert arrays.files == ["train_images"]
    assert packs.facts["equal_pictures_in_two_parts"] == 0
    assert judging.labelled(packs.judge, "train")[1][0]["label"] in ("cat", "truck")


def test_equal_pictures_in_two_parts_are_counted(folder, tmp_path, data):
    for i in range(30):  # all trucks become one picture
        Image.new("RGB", (16, 16)).save(folder / "truck" / f"{i}.png")
    facts = data.deal(str(folder), 16, tmp_path / "packs").facts
    assert facts["in_two_parts"] == 0
    assert facts["equal_pictures_in_two_parts"] == 1


def test_packs_of_another_source_are_not_taken(folder, tmp_path, data):
    data.deal(str(folder), 16, tmp_path / "packs")
    data.deal(str(folder), 16, tmp_path / "packs")
    with pytest.raises(DataError, match="other packs"):
        data.deal(str(folder), 8, tmp_path / "packs")


def test_pictures_without_a_class_are_refused(folder, tmp_path, data):
    (folder / "cat" / "0.png").rename(folder / "0.png")
    with pytest.raises(DataError, match="without a class"):
        data.deal(str(folder), 16, tmp_path / "packs")


# --- the judge ----------------------------------------------------------------------------------


def judge_that_reads(judging, share):
    judge = judging.StrongJudge({"label": ["cat", "truck"]}, 3, 16, width=8)
    judge.card = {"figures": {"accuracy": {"label": share}, "n": 3000}}
    return judge


def test_a_judge_that_misreads_real_pictures_may_not_judge(promise, judging):
    promise.check_judge(judge_that_reads(judging, promise.READS))
    with pytest.raises(SystemExit, match="may not judge"):
        promise.check_judge(judge_that_reads(judging, promise.READS - 0.001))


@pytest.mark.slow
def test_a_trained_judge_is_saved_and_read_again(folder, tmp_path, data, judging):
    packs = data.deal(str(folder), 16, tmp_path / "packs")
    steps = list(
        judging.train_strong_judge(
            tmp_path / "judge", packs.judge, packs.test, steps=3, batch_size=8, lr=0.1, seed=0
        )
    )
    judge = judging.StrongJudge.load(tmp_path / "judge")
    x = torch.rand(4, 3, 16, 16) * 2 - 1
    assert [one.step for one in steps] == [1, 2, 3]
    assert judge.card["trained_on"] + judge.card["calibrated_on"] == len(images(packs.judge))
    assert 0 < judge.card["calibrated_on"] < judge.card["trained_on"]
    assert 0 < judge.threshold < 1
    assert torch.allclose(judge.features(x), judge.features(x.flip(3)), atol=1e-5)


def test_a_shifted_picture_keeps_its_pixels(judging):
    x = torch.arange(32.0 * 32).view(1, 1, 32, 32).expand(64, 3, -1, -1)
    moved = judging.shifted(x, torch.Generator().manual_seed(0))
    assert moved.shape == x.shape
    middle = x[0, 0, 16, 16]
    assert all((one == middle).any() for one in moved[:, 0])
    assert len({one.contiguous().numpy().tobytes() for one in moved[:, 0]}) > 20


def test_a_square_is_covered(judging):
    x = judging.covered(torch.ones(200, 3, 32, 32), torch.Generator().manual_seed(0))
    hidden = (x == 0).sum((2, 3))[:, 0]
    assert hidden.max() == judging.COVER**2
    assert hidden.min() >= (judging.COVER // 2) ** 2


# --- what is told -------------------------------------------------------------------------------


def test_the_budget_is_kept_for_a_training_that_goes_on(tmp_path, training):
    note = {"minutes": [5, 15], "cores": 2, "cpu_seconds_a_step": 0.5, "steps": [600, 1800]}
    (tmp_path / "budget.json").write_text(json.dumps(note))
    found = training.budget_of(tmp_path / "no.yaml", [], tmp_path, (5, 15), 2)
    assert found == training.Budget((5, 15), 2, 0.5, (600, 1800))
    assert found.every == 600


def test_words_have_their_article(promise):
    assert promise.in_words("automobile") == "an automobile"
    assert promise.in_words("ship") == "a ship"


class ByBrightness:
    """An embedder for which "light" pictures are bright and "dark" ones are not."""

    def embed_texts(self, texts):
        return torch.tensor([[1.0, 0.0] if "light" in text else [0.0, 1.0] for text in texts])

    def embed_pixels(self, x):
        bright = x.mean((1, 2, 3)) > 0
        return torch.stack([bright.float(), 1 - bright.float()], 1)


def test_a_clip_names_pictures_by_the_most_similar_words(promise):
    pixels = torch.tensor([250, 10, 250], dtype=torch.uint8).view(3, 1, 1, 1).expand(-1, 3, 4, 4)
    names = {"dark": "a dark one", "light": "a light one"}
    truth = ["light", "dark", "dark"]
    assert promise.named_right(ByBrightness(), pixels, truth, names, "{x}") == [True, True, False]


def test_the_claims_hold_or_fail_by_their_figures(promise):
    total = {"n": 1000, "read": 840}
    paired = {"interval_95": [-0.01, 0.05]}
    table = {"shift": {"minus_identity": paired}}
    found = {"real": {"total": total}, "words": {}, "bridges": {"chosen": "shift", "table": table}}
    assert [one["holds"] for one in promise.claims(found)] == [False, False]
    total["read"], paired["interval_95"] = 850, [0.01, 0.05]
    assert [one["holds"] for one in promise.claims(found)] == [True, True]


def test_a_pretrained_clip_takes_the_place_of_the_mini_clip(promise):
    options = SimpleNamespace(embedder="who/clip", set=[])
    changes = promise._embedder(options, None)  # trains nothing
    assert changes == ["embedder.name=transformers_clip", "embedder.model=who/clip"]
