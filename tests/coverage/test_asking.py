"""Verdicts where the truth is planted: what is there, what is rare, what is nowhere."""

import warnings
from dataclasses import replace
from itertools import product

import pytest
import torch
from planted_words import planted_model

from ddpm_clip.coverage.calibration import Coverage, chosen
from ddpm_clip.coverage.measuring import keep_coverage, known_prompts
from ddpm_clip.coverage.prompt_coverage import PromptCoverage
from ddpm_clip.embedders.prompt_bank import prompt_bank
from ddpm_clip.errors import DataError, StorageError, UsageError
from ddpm_clip.runs.pretrained import COVERAGE

COLOURS, FLOWERS = ("red", "blue", "white", "purple"), ("rose", "tulip", "daisy", "lily")
KINDS = [f"{colour} {flower}" for flower, colour in product(FLOWERS, COLOURS)]
CAPTIONS = [frame.format(kind) for kind in KINDS for frame in ("{}", "a {}", "a photo of a {}")]


@pytest.fixture(scope="module")
def prompt_coverage():
    return PromptCoverage(planted_model(KINDS, prompts=CAPTIONS))


@pytest.mark.parametrize("kind", KINDS)
def test_what_there_are_pictures_of_is_well_covered(prompt_coverage, kind):
    answer = prompt_coverage.ask(f"please paint me a {kind}")
    assert answer.verdict == "well covered"
    assert {one.key.split("/")[0] for one in answer.neighbours} == {kind}
    assert answer.near >= 55
    assert answer.suggestions == ()


@pytest.mark.parametrize("prompt", ["a purple horse", "a lawyer", "submarine", "xq zzb"])
def test_what_there_is_no_picture_of_is_outside_and_something_else_is_offered(
    prompt_coverage, prompt
):
    answer = prompt_coverage.ask(prompt)
    assert answer.verdict == "outside"
    assert answer.percentile < 5
    assert answer.suggestions


@pytest.mark.slow
def test_nine_of_ten_are_called_what_they_are_in_words_that_were_not_calibrated_on(prompt_coverage):
    nouns = (
        "donkey",
        "kangaroo",
        "lobster",
        "teacher",
        "wizard",
        "bulldozer",
        "yacht",
        "fridge",
        "teapot",
        "trombone",
        "burger",
        "toothbrush",
        "pyramid",
        "mermaid",
        "laptop",
        "sausage",
        "wheelchair",
        "saxophone",
        "turtle",
        "vampire",
        "parrot",
        "pirate",
        "escalator",
        "pancake",
    )
    outside = [f"{colour} {noun}" for noun in nouns for colour in (*COLOURS, "a", "my", "tall")]
    covered = [f"{said} {kind}" for kind in KINDS for said in ("do draw", "any nice", "one")]
    for prompts, truth in ((outside, True), (covered, False)):
        right = [(prompt_coverage.ask(one).verdict == "outside") == truth for one in prompts]
        assert sum(right) / len(right) >= 0.9


def test_what_is_offered_instead_shares_a_word_and_is_well_covered(prompt_coverage):
    answer = prompt_coverage.ask("a purple horse")
    assert "purple" in answer.suggestions[0].prompt
    for one in answer.suggestions:
        again = prompt_coverage.ask(one.prompt)
        assert (again.verdict, again.near) == ("well covered", one.near)


@pytest.mark.slow
def test_known_words_without_pictures_are_thin():
    fewer = [kind for kind in KINDS if "daisy" not in kind]
    prompt_coverage = PromptCoverage(planted_model(fewer, prompts=CAPTIONS))
    assert prompt_coverage.ask("a red rose").verdict == "well covered"
    answer = prompt_coverage.ask("a red daisy")
    assert answer.verdict == "thin"
    assert answer.near == 0
    assert answer.suggestions
    with pytest.warns(UserWarning, match="'a purple horse' is outside") as heard:
        prompt_coverage.warn(["a red daisy", "a purple horse"])  # thin is told by `ask`, no warning
    assert len(heard) == 1


def test_shares_are_the_weights_of_the_knn_bridge(prompt_coverage):
    answer, options = prompt_coverage.ask("a red rose"), prompt_coverage.model.conditioner.options
    cosines = torch.tensor([one.cosine for one in answer.neighbours])
    shares = torch.tensor([one.share for one in answer.neighbours])
    assert len(answer.neighbours) == options.knn_k
    assert shares.sum().item() == pytest.approx(1)
    assert torch.allclose(shares.log().diff(), cosines.diff() / options.knn_tau, atol=1e-4)
    assert cosines.tolist() == sorted(cosines.tolist(), reverse=True)
    keys = prompt_coverage.model.conditioner.bank_keys
    assert all(keys[one.row] == one.key for one in answer.neighbours)


def test_the_percentile_counts_the_covered_prompts_below(prompt_coverage):
    level = prompt_coverage.coverage.similarities
    assert prompt_coverage.coverage.percentile(level[0].item() - 1) == 0
    assert prompt_coverage.coverage.percentile(level[-1].item() + 1) == 100
    below = int((level.diff() > 1e-3).nonzero()[0]) + 1  # so many lie below the first clear gap
    between = ((level[below] + level[below - 1]) / 2).item()
    assert prompt_coverage.coverage.percentile(between) == pytest.approx(100 * below / 101)
    at = prompt_coverage.coverage.percentile(level[below - 1].item())
    assert at < 100 * below / 101, "of equal ones, half are counted"


def test_suggestions_spread_over_what_there_is_and_are_short(prompt_coverage):
    told = [one.prompt for one in prompt_coverage.coverage.suggestions]
    assert sorted(told) == sorted(KINDS)


def test_a_warning_for_each_prompt_outside_and_for_no_other(prompt_coverage):
    with pytest.warns(UserWarning, match="'a purple horse' is outside") as heard:
        prompt_coverage.warn(["a red rose", "a purple horse", "a purple horse"])
    assert len(heard) == 1


@pytest.mark.slow
def test_a_kept_coverage_gives_the_same_answers_at_the_price_of_a_few_texts(tmp_path):
    model = planted_model(KINDS, prompts=CAPTIONS, folder=tmp_path)
    keep_coverage(tmp_path, model.conditioner, model.embedder, ())
    before = model.embedder.asked
    fresh = PromptCoverage(planted_model(KINDS, prompts=CAPTIONS))
    for prompt in ("a red rose", "a purple horse"):
        ours, theirs = PromptCoverage(model).ask(prompt), fresh.ask(prompt)
        assert (ours.verdict, ours.suggestions) == (theirs.verdict, theirs.suggestions)
        assert ours.percentile == theirs.percentile
    assert model.embedder.asked - before < 60


@pytest.mark.slow
def test_the_coverage_of_another_embedder_is_not_believed(tmp_path):
    model = planted_model(KINDS, prompts=CAPTIONS, folder=tmp_path)
    keep_coverage(tmp_path, model.conditioner, model.embedder, ())
    model.embedder.fingerprint = "another"
    assert PromptCoverage(model).coverage.embedder == "another"


def test_a_damaged_file_is_told(tmp_path):
    (tmp_path / COVERAGE).write_text("{}")
    with pytest.raises(StorageError, match=COVERAGE):
        Coverage.load(tmp_path / COVERAGE)


@pytest.mark.slow
def test_without_words_for_the_pictures_the_pictures_choose():
    """A pretrained CLIP whose bank is about everything, and a folder without a class."""
    model = planted_model(
        ["dog", "red car", "tree"], prompts=prompt_bank(), name="transformers_clip"
    )
    embed = model.embedder.embed_texts
    votes = chosen(model.conditioner, embed(prompt_bank()))
    assert votes.sum().item() == pytest.approx(len(votes), rel=1e-4)
    known = known_prompts(model.conditioner, "transformers_clip", (), embed)
    assert any("dog" in text for text in known.plain)
    assert not any("pizza" in text for text in known.plain)
    assert any("pizza" in text for text in known.outside)
    prompt_coverage = PromptCoverage(model)
    assert prompt_coverage.ask("a dog please").verdict != "outside"
    assert prompt_coverage.ask("a trombone").verdict == "outside"


def test_classes_are_covered_where_the_bank_is_about_everything():
    model = planted_model(KINDS, prompts=prompt_bank(), classes=FLOWERS, name="transformers_clip")
    known = known_prompts(model.conditioner, "transformers_clip", FLOWERS, model.embedder)
    assert {"rose", "a lily"} <= set(known.plain)
    assert not any("dog" in text for text in known.plain)


def bankless():
    model = planted_model(KINDS, prompts=CAPTIONS)
    model.conditioner.bank = model.conditioner.bank[:0]
    return model


def raw():
    model = planted_model(KINDS, prompts=CAPTIONS)
    model.conditioner.mode = "raw"
    return model


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: planted_model(KINDS, prompts=CAPTIONS, name="labels"), "class"),
        (lambda: planted_model(KINDS), "neither class names nor"),
        (bankless, "bank has 0"),
        (raw, "not centred"),
    ],
    ids=["labels", "wordless", "no bank", "raw"],
)
def test_where_nothing_can_be_said_it_is_said_why_and_nobody_is_warned(make, why):
    prompt_coverage = PromptCoverage(make())
    with pytest.raises(DataError, match="cannot measure") as refused:
        prompt_coverage.ask("a red rose")
    assert why in refused.value.why
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        prompt_coverage.warn(["a purple horse"])


def test_a_prompt_that_is_none_is_refused(prompt_coverage):
    with pytest.raises(UsageError):
        prompt_coverage.ask(" ")


def test_a_large_text_tower_is_not_asked_for_hundreds_of_texts_by_a_painting():
    model = planted_model(KINDS, prompts=prompt_bank(), classes=FLOWERS, name="transformers_clip")
    before = model.embedder.asked
    PromptCoverage(model).warn(["a purple horse"])
    assert model.embedder.asked == before


def test_a_calibration_that_is_mostly_wrong_warns_nobody(prompt_coverage):
    model = planted_model(KINDS, prompts=CAPTIONS)
    unsure = PromptCoverage(model)
    unsure.__dict__["coverage"] = replace(prompt_coverage.coverage, error=0.4)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        unsure.warn(["a purple horse"])
