"""From pictures whose truth is known to the figures of a report."""

import pytest
import torch
from planted import ATTRIBUTES, planted

from ddpm_clip.embedders.mini_clip import MiniClip
from ddpm_clip.errors import DataError
from ddpm_clip.evaluation.prompts.success import PromptCase
from ddpm_clip.evaluation.report.evaluation_data import EvaluationData
from ddpm_clip.evaluation.report.evaluators import Evaluator
from ddpm_clip.evaluation.report.real_pictures import Pictures, Real
from ddpm_clip.evaluation.report.sections import transfer as transfer_module
from ddpm_clip.evaluation.report.sections.copies import copies_section
from ddpm_clip.evaluation.report.sections.sets import (
    distances_section,
    diversity_section,
    two_sample_section,
)
from ddpm_clip.evaluation.report.sections.transfer import transfer_section
from ddpm_clip.evaluation.report.sections.words import retrieval_section, success_section
from ddpm_clip.evaluation.report.shown import first_seeds
from ddpm_clip.utils.generators import finish
from ddpm_clip.utils.tensors import to_float

N = 20
CASES = [
    PromptCase(f"a {tone} {shape}", {"shape": shape, "tone": tone})
    for shape in ATTRIBUTES["shape"]
    for tone in ATTRIBUTES["tone"]
]
ACCURACY = "accuracy of a classifier of painted vs real pictures"
NOBODY = Evaluator(None, {}, "nobody is here", "fetch somebody")


def perfect(seed=100, n=N, cases=CASES):
    """What a perfect model would paint: pictures of the very kind, n a case."""
    pixels, facts = planted(80 * len(CASES), seed)
    rows = [[i for i, one in enumerate(facts) if one == case.facts][:n] for case in cases]
    return to_float(pixels[[i for group in rows for i in group]])


@pytest.fixture(scope="module")
def real():
    return Real("planted", Pictures(*planted(600, seed=7)), Pictures(*planted(900, seed=8)), "kept")


@pytest.fixture
def data(toy_judge, real):
    """`data(x)`: these pictures as if they had been painted for `CASES`."""

    def make(x, judge=True, **more):
        about = {"kind": "named", "accuracy": {"shape": 0.99, "tone": 0.99}, "accuracy_n": 300}
        known = {
            "judge": Evaluator(toy_judge, about) if judge else NOBODY,
            "scorer": NOBODY,
            "real": real,
            "full": False,
        }
        return EvaluationData(CASES, len(x) // len(CASES), x, **known | more)

    return make


def figures(section):
    return {one.name: one for one in section.figures}


def test_a_perfect_model_succeeds_and_one_that_heeds_no_prompt_does_not(data):
    good = figures(finish(success_section(data(perfect()))))["success"]
    assert good.value > 0.93
    assert good.real == pytest.approx(good.value, abs=0.08)
    assert good.interval[0] < good.value <= good.interval[1]
    turned = perfect().roll(2 * N, 0)  # each case gets the pictures of another shape
    bad = finish(success_section(data(turned)))
    assert figures(bad)["success"].value < 0.05
    assert figures(bad)["success"].real == good.real


def test_weak_judges_and_uncounted_pictures_are_told(data, toy_judge):
    weak = Evaluator(toy_judge, {"accuracy": {"shape": 0.5, "tone": 0.99}, "accuracy_n": 9})
    notes = " ".join(finish(success_section(data(perfect()))).notes)
    assert "weak" not in notes
    made = data(perfect())
    made.judge = weak
    assert "weak at shape" in " ".join(finish(success_section(made)).notes)
    made = data(perfect())
    made.cases = [PromptCase("whatever", {}), *CASES[1:]]
    section = finish(success_section(made))
    assert f"{N} pictures are not counted" in " ".join(section.notes)
    assert figures(section)["success"].n == 5 * N


def test_where_nothing_is_asked_the_judge_says_what_it_takes_for_real(data):
    made = data(torch.cat([perfect(), torch.randn_like(perfect()).clamp(-1, 1)]))
    made.cases, made.n = [PromptCase("(without words)", {})], len(made.x)
    section = finish(success_section(made))
    (told,) = section.figures
    assert told.name == "not rejected by the judge"
    assert (told.n, told.value) == (len(made.x), pytest.approx(0.5, abs=0.1))
    assert told.real > 0.9
    assert "No prompt states facts" in section.reads


@pytest.mark.slow
def test_distances_of_a_perfect_model_are_those_of_real_pictures(data):
    good = figures(finish(distances_section(data(perfect()))))
    for name in ("precision", "recall", "coverage"):
        assert good[name].value == pytest.approx(good[name].real, abs=0.1), name
    # not a share: it counts neighbours, so it scatters more from processor to processor
    assert good["density"].value == pytest.approx(good["density"].real, abs=0.12)
    noise = 2 * torch.rand(len(CASES) * N, 1, 16, 16) - 1
    section = finish(distances_section(data(noise)))
    bad = figures(section)
    frechet = next(one for name, one in bad.items() if name.startswith("Fréchet"))
    assert frechet.value > 3 * frechet.real
    assert bad["precision"].value < 0.1
    assert bad["probability of such a kernel distance by chance"].value < 0.01
    assert "FID" not in frechet.name.replace("no FID", "")
    assert any("small for 128 features" in note for note in section.notes)
    assert any("never saw" in note for note in section.notes)


@pytest.mark.slow
def test_noise_is_told_apart_and_a_perfect_model_is_not(data):
    good = figures(finish(two_sample_section(data(perfect()))))[ACCURACY]
    assert good.interval[0] < 0.6
    noise = 2 * torch.rand(len(CASES) * N, 1, 16, 16) - 1
    assert figures(finish(two_sample_section(data(noise))))[ACCURACY].value > 0.95


def test_one_picture_over_and_over_has_no_diversity(data):
    good = figures(finish(diversity_section(data(perfect()))))["ratio to real pictures"]
    assert good.value == pytest.approx(1, abs=0.12)
    same = perfect().view(len(CASES), N, 1, 16, 16)[:, :1].expand(-1, N, -1, -1, -1).flatten(0, 1)
    section = finish(diversity_section(data(same)))
    assert figures(section)["ratio to real pictures"].value == pytest.approx(0, abs=1e-6)
    assert len(section.more) == len(CASES)


@pytest.mark.slow
def test_painted_training_pictures_are_found_and_others_are_not(data, real):
    clear = finish(copies_section(data(perfect())))
    assert [one.value for one in clear.figures if one.name.startswith("copies")] == [0.0, 0.0]
    copied = perfect()
    copied[:40] = to_float(real.train.pixels[:40])
    found = finish(copies_section(data(copied)))
    pixels, features = (one for one in found.figures if one.name.startswith("copies"))
    assert pixels.value == pytest.approx(40 / len(copied))
    assert "copies (pixels; copies)" in pixels.name
    assert features.value >= 40 / len(copied) - 0.01
    assert found.sheet.image.width > 100


def test_without_training_pictures_copies_are_absent_with_a_reason(data):
    with pytest.raises(DataError, match="x is not here"):
        finish(copies_section(data(perfect(), real=Real("x", why_not="x is not here"))))
    few = Real("x", Pictures(*planted(50, 0)), Pictures(*planted(3, 1)))
    with pytest.raises(DataError, match="only 3 pictures"):
        finish(copies_section(data(perfect(), real=few)))


@pytest.mark.slow
def test_readers_learn_from_a_perfect_model_and_not_from_wrong_labels(data, monkeypatch):
    monkeypatch.setattr(transfer_module, "QUICK_STEPS", 40)
    good = finish(transfer_section(data(perfect()))).figures[0]
    assert good.value > 0.9
    bad = finish(transfer_section(data(perfect().roll(2 * N, 0)))).figures[0]
    assert bad.value < 0.2
    assert bad.real == good.real > 0.9


def test_another_clip_is_asked_and_real_pictures_beside(data):
    torch.manual_seed(0)
    clip = MiniClip(1, 16, 8, 8, 32).eval()
    section = finish(retrieval_section(data(perfect(), scorer=Evaluator(clip, {"dim": 8}))))
    found = figures(section)["R-precision"]
    assert found.n == len(CASES) * N
    assert found.real is not None
    assert len(section.more) == len(CASES)


@pytest.mark.parametrize("work", [success_section, retrieval_section])
def test_a_section_without_its_judge_or_clip_says_why(data, work):
    with pytest.raises(DataError, match="nobody is here") as refused:
        finish(work(data(perfect(), judge=False)))
    assert refused.value.fix == "fetch somebody"


def test_the_first_seeds_are_shown_with_what_the_judge_says(data):
    x = perfect()
    x[0], x[1] = x[-1], 0.0  # a ring instead of a bar; nothing at all
    shown = first_seeds(data(x), first_seed=1000)
    assert len(shown) == len(CASES) * 8
    assert [one.seed for one in shown[:9]] == [*range(1000, 1008), 1000 + N]
    assert shown[0].verdict == "failure"
    assert shown[0].read.startswith("ring")
    assert shown[1].verdict in ("failure", "rejected")
    assert shown[2].verdict == "success"
    assert {one.verdict for one in first_seeds(data(x, judge=False))} == {"unjudged"}
