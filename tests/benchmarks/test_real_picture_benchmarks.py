"""Photos, clothes and emoji: what is asked, what is claimed, and that a recipe is made once."""

import importlib
import json
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from ddpm_clip.config.schema import DataConfig
from ddpm_clip.errors import DataError
from ddpm_clip.evaluation.judge.network import JudgeNet

ROOT = Path(__file__).parents[2]


@pytest.fixture
def benchmark(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module


def counts(read, success, n=100):
    return {"total": {"n": n, "read": read, "success": success, "share": success / n}}


def test_the_bar_of_photos_is_a_share_of_what_the_judge_reads_of_real_ones(benchmark):
    claims = benchmark("photos").claims
    (holds,) = claims({"real": counts(70, 69), "words": counts(60, 56)})
    (fails,) = claims({"real": counts(70, 69), "words": counts(60, 55)})
    assert (holds["holds"], fails["holds"]) == (True, False)
    assert holds["needed"] == pytest.approx(0.56)
    assert "70.0%" in holds["claim"]
    assert claims({"words": counts(60, 56)}) == [], "nothing to compare with"


def test_every_flower_is_asked_in_wordings_that_no_caption_has(benchmark):
    photos, labelled = benchmark("photos"), benchmark("labelled")
    frames = importlib.import_module("ddpm_clip.data.captions.label_words").FRAMES
    assert not set(photos.UNSEEN) & set(frames)
    cases = labelled.asked(photos.SINGULAR, photos.UNSEEN)
    assert len({case.prompt for case in cases}) == 5 * len(photos.UNSEEN)
    assert {case.facts["label"] for case in cases} == set(photos.NAMES)
    assert "could you paint me a rose?" in [case.prompt for case in cases]


def test_clothes_are_claimed_part_by_part(benchmark):
    claims = benchmark("fashion").claims
    found = {"real": counts(90, 89), "classes": counts(85, 81)}
    assert [one["holds"] for one in claims(found)] == [True]
    assert [one["holds"] for one in claims(found | {"words": counts(85, 80)})] == [True, False]


def test_pools_are_by_lot_with_no_name_twice(benchmark):
    emoji = benchmark("emoji")
    names = [f"name {i}" for i in range(250)]
    chosen = emoji.pools(names, 2, 0)
    assert len(set(chosen)) == 200 == len(chosen)
    assert chosen == emoji.pools(names, 2, 0) != emoji.pools(names, 2, 1)
    with pytest.raises(ValueError, match="250 names are too few"):
        emoji.pools(names, 3, 0)


def test_only_names_of_one_drawing_in_either_style_are_asked(benchmark):
    x = torch.zeros(1)
    noto = (x, [{"name": name} for name in ("cat", "dog", "dog", "cow", "owl")])
    other = (x, [{"name": name} for name in ("owl", "dog", "cow", "cow", "cat")])
    assert benchmark("emoji").shared_names(noto, other) == ["cat", "owl"]


class Mirror:
    """A scorer that reads planted pictures: the direction of a text is that of its number."""

    def embed_pixels(self, x):
        return F.normalize(x.flatten(1), dim=1)

    def embed_texts(self, texts):
        return torch.eye(300)[[int(text) for text in texts]]


@pytest.mark.parametrize("n", [1, 3])
def test_a_picture_is_looked_for_among_the_names_of_its_own_pool(benchmark, n):
    rows = torch.randperm(300, generator=torch.Generator().manual_seed(0))[:200]
    names, x = [str(row) for row in rows.tolist()], torch.eye(300)[rows].repeat_interleave(n, 0)
    x = x.view(-1, 1, 15, 20)
    scorer = benchmark("emoji").Scorer(Mirror(), torch.zeros(300))
    found = scorer.found(x, names, n)
    assert (found["n"], found["success"], found["chance"]) == (200 * n, 200 * n, 0.01)
    assert found["margin"] > 0.9
    wrong = scorer.found(x.roll(n, 0), names, n)
    assert wrong["success"] == 0
    half = scorer.found(torch.cat([x[: 100 * n], x[100 * n :].roll(n, 0)]), names, n)
    assert half["success"] == 100 * n, "the first pool is right, the second all wrong"


def test_a_scorer_that_does_not_know_real_drawings_claims_nothing(benchmark):
    emoji = benchmark("emoji")
    blind = {"real": {"share": 0.29}, "painted": {"share": 0.29}}
    assert emoji.claims(blind) == []
    assert "not measurable" in emoji.verdict(blind)["verdict"]
    seeing = {"real": {"share": 0.5}, "painted": {"share": 0.29}}
    (one,) = emoji.claims(seeing)
    assert not one["holds"]
    assert emoji.claims(seeing | {"painted": {"share": 0.31}})[0]["holds"]
    assert emoji.verdict(seeing)["verdict"] == "measurable"


@pytest.mark.parametrize(
    "name", ["photos", "photos_64", "fashion", "fashion_classes", "emoji", "emoji_scorer"]
)
def test_every_recipe_is_a_config(benchmark, name):
    config = benchmark("recipes").settled(ROOT / "config" / f"{name}.yaml")
    assert config.data.source
    if name.startswith(("photos", "fashion")) and config.embedder.name == "mini_clip":
        assert config.embedder.half == 1, "the other half is the judge's"


def test_a_judge_that_is_there_is_not_trained_again(benchmark, tmp_path, monkeypatch):
    recipes, made = benchmark("recipes"), []

    def train(folder, data, **training):
        made.append(training)
        net = JudgeNet({"label": ("a", "b")}, 1, 8, width=8)
        net.save(folder, card={"source": data.source} | training)
        yield from ()

    monkeypatch.setattr(recipes, "train_judge_run", train)
    data = DataConfig(source="fashion-mnist")
    for seed in (0, 0, 1):
        recipes.judge(data, tmp_path / "judge", seed=seed, steps=2, half=2)
    assert [one["seed"] for one in made] == [0, 1]


def test_a_mini_clip_is_trained_again_only_where_its_recipe_changed(
    benchmark, tmp_path, monkeypatch
):
    recipes, ran = benchmark("recipes"), []
    recipe, folder = ROOT / "config" / "photos.yaml", tmp_path / "clip"

    def command(words):
        ran.append(words[0])
        folder.mkdir(exist_ok=True)
        (folder / recipes.CLIP_CARD).write_text(json.dumps({"card": {"figures": {"n": 1}}}))
        return 0

    monkeypatch.setattr(recipes, "command", command)
    own, other = [f"embedder.model={folder}"], ["embedder.steps=5"]
    for changes in ([], own, other, other, ["data.image_size=64"]):
        assert recipes.mini_clip(recipe, folder, changes) == {"n": 1}
    assert ran == ["train-clip"] * 3, "where others find it does not matter"
    monkeypatch.setattr(recipes, "command", lambda words: DataError.exit_code)
    with pytest.raises(SystemExit):
        recipes.mini_clip(recipe, folder, ["embedder.steps=6"])
