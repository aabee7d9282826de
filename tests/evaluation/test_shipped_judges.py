"""The judges that ship. Nothing is skipped for want of them: a release without is broken."""

import pytest
import torch

from ddpm_clip.data.captions.digit_words import DIGITS
from ddpm_clip.data.captions.grammars import facts_of
from ddpm_clip.data.local.drawn_flowers import FACTS, DrawnFlowers
from ddpm_clip.data.pictures.pixels import load_pixels
from ddpm_clip.data.sources import open_source
from ddpm_clip.evaluation.judge.network import JudgeNet, shipped_judge_folder
from ddpm_clip.evaluation.judge.training import measure_judge


@pytest.mark.parametrize("name", ["digits", "flowers"])
def test_a_shipped_judge_is_at_most_two_megabytes_and_says_how_good_it_is(name):
    folder = shipped_judge_folder(name)
    judge = JudgeNet.load(folder)
    assert sum(file.stat().st_size for file in folder.iterdir()) <= 2e6
    figures = judge.card["figures"]
    assert figures["n"] >= 4000
    assert figures["accuracy"].keys() == figures["confusion"].keys() == judge.attributes.keys()
    assert 0 < figures["rejected"] < 0.03
    assert figures["nonsense_rejected"] > 0.95


@pytest.mark.slow
@pytest.mark.data
def test_the_digits_judge_reads_993_of_1000_of_mnists_test_pictures(data_root, monkeypatch):
    monkeypatch.setenv("DDPM_CLIP_DATA", str(data_root))
    judge, test = JudgeNet.load(shipped_judge_folder("digits")), open_source("mnist", split="test")
    assert judge.classes == DIGITS
    pixels = load_pixels(test, size=28, channels=1)
    facts = [facts_of(test, i) for i in pixels.indices]
    figures = measure_judge(judge, torch.from_numpy(pixels.array), facts)
    assert figures.n == 10_000
    assert figures.accuracy["digit"] >= 0.993
    assert figures.rejected < 0.03
    assert figures.nonsense_rejected > 0.95


@pytest.mark.slow
def test_the_flowers_judge_reads_flowers_that_neither_it_nor_the_model_has_seen():
    judge, fresh = JudgeNet.load(shipped_judge_folder("flowers")), DrawnFlowers(500, 32, seed=31337)
    assert judge.attributes["species"] == FACTS["species"]
    assert set(judge.attributes["petals"]) == set(FACTS["petals"])
    pixels = load_pixels(fresh, size=32, channels=3)
    figures = measure_judge(
        judge, torch.from_numpy(pixels.array), [fresh.facts(i) for i in pixels.indices]
    )
    assert figures.accuracy["species"] >= 0.97
    assert figures.accuracy["petals"] >= 0.98
    assert figures.accuracy["count"] >= 0.97
    assert figures.rejected < 0.04
