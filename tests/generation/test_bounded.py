"""Whatever is asked, words and guidance stay within what the pictures are like, and say so."""

import warnings

import pytest
import torch

from ddpm_clip import TextToImage
from ddpm_clip.evaluation.gap.bridge_table import table_of_model
from ddpm_clip.evaluation.prompts.success import PromptCase
from ddpm_clip.evaluation.report.evaluate import _brought_back
from ddpm_clip.reproducing.recipe import _settings

OUTSIDE, COVERED = "the history of rome", "a seven"


@pytest.fixture(scope="module")
def digits() -> TextToImage:
    return TextToImage.from_pretrained("digits")


def shift(digits, **more):
    return digits.settings(bridge="shift", steps=1, **more)


@pytest.mark.slow
def test_a_prompt_outside_is_brought_back_and_its_guidance_limited(digits):
    asked = shift(digits, guidance=4.0)
    seen, far = digits.guidance_limits([COVERED, OUTSIDE], asked).tolist()
    assert 2 < seen < 4
    assert 1 < far < 1.5
    cloud, free = digits.model.conditioner.cloud, shift(digits, bounded=False)
    assert cloud.trust(digits.conditions([OUTSIDE], free, [0])[:, :-1]) < 0.3
    told = digits.conditions([OUTSIDE], asked, [0])[0, -1]
    assert 0.5 < told < 0.8
    kept, plain = (digits.conditions([COVERED], one, [0])[0, :-1] for one in (asked, free))
    away = ((c - cloud.pictures).norm(dim=1).min().item() for c in (kept, plain))
    assert next(away) == pytest.approx(cloud.near, rel=1e-4)
    assert next(away) < 2 * cloud.near  # covered: not moved far
    assert torch.cosine_similarity(kept, plain, dim=0) > 0.95


@pytest.mark.slow
def test_the_limited_scale_is_what_reaches_the_sampler(digits, monkeypatch):
    scales = []
    walk = type(digits.model.ddpm).walk

    def noted(self, *args, **options):
        scales.append(options["scale"])
        return walk(self, *args, **options)

    monkeypatch.setattr(type(digits.model.ddpm), "walk", noted)
    for bounded in (True, False):
        list(
            digits.walk([COVERED, OUTSIDE], guidance=4.0, bridge="shift", steps=1, bounded=bounded)
        )
    limits = digits.guidance_limits([COVERED, OUTSIDE], shift(digits))
    assert torch.allclose(scales[0], limits.clamp(max=4))
    assert scales[1].tolist() == [4, 4]


@pytest.mark.slow
def test_limited_guidance_is_said_and_none_where_nothing_is_limited(digits):
    with (
        pytest.warns(UserWarning, match=r"guidance 4 acts like 1\.\d on 'the history of rome'"),
        pytest.warns(UserWarning, match="is outside what"),
    ):
        digits([COVERED, OUTSIDE], guidance=4.0, bridge="shift", steps=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        digits(COVERED, guidance=2.0, steps=1)
        digits(COVERED, guidance=4.0, steps=1, bounded=False)
    with pytest.warns(UserWarning, match="guidance 4 acts like 2"):
        digits(COVERED, guidance=4.0, steps=1)


@pytest.mark.slow
def test_evaluate_counts_what_was_brought_back_and_gap_what_is_left_outside(digits):
    cases = [PromptCase(prompt, {}) for prompt in (COVERED, OUTSIDE, "3")]
    assert _brought_back(digits, cases, shift(digits)) == 1
    assert _brought_back(digits, cases[::2], shift(digits)) == 0
    assert _brought_back(digits, cases, shift(digits, bounded=False)) is None
    e = digits.model.embedder.embed_texts([case.prompt for case in cases]).cpu()
    found = table_of_model(digits.model.conditioner, e)
    assert found["shift"].outside == pytest.approx(1 / 3)
    assert found["prior"].outside == 0


def test_pictures_of_versions_without_a_bound_are_painted_without_one(digits):
    facts = {"guidance": 4.0, "micro_batch": 1, "steps": 3}
    assert not _settings(facts).bounded
    assert _settings(facts | {"bounded": True}).bounded
