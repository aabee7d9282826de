"""What the walks are asked for: shares, scales, bridges, and the same again for a shard."""

from copy import copy
from dataclasses import replace

import pytest
import torch

from ddpm_clip.errors import DataError
from ddpm_clip.runs.pretrained import load
from ddpm_clip.training.distillation.conditions import Asking


@pytest.fixture(scope="module")
def digits():
    return load("digits", "cpu")


def asking(model, texts=0.5, unconditional=0.2, own_scale=0.5, seed=3):
    return Asking(model, texts, unconditional, (1.0, 4.0), own_scale, seed)


@pytest.mark.slow
def test_a_shard_is_the_same_again_and_another_is_not(digits):
    first, again = (asking(digits).shard(2, 12) for _ in range(2))
    assert torch.equal(first.c, again.c)
    assert torch.equal(first.scale, again.scale)
    assert first.seeds == again.seeds
    other = asking(digits).shard(3, 12)
    assert not torch.equal(first.c, other.c)
    assert first.seeds != other.seeds


@pytest.mark.slow
def test_scales_are_the_models_own_or_any_in_the_range_within_the_limit_of_the_words(digits):
    scale = asking(digits, texts=0.0).shard(0, 400).scale
    assert (scale == 0).float().mean().item() == pytest.approx(0.2, abs=0.06)
    assert (scale == 2).float().mean().item() == pytest.approx(0.8 * 0.5, abs=0.08)
    others = scale[(scale != 0) & (scale != 2)]
    assert others.min() >= 1
    assert others.max() > 3.5
    worded = asking(digits, texts=1.0, unconditional=0.0, own_scale=0.0).shard(0, 100).scale
    limit = digits.conditioner.cloud.guidance_limit(torch.ones(1)).item()
    assert 3.5 > limit >= worded.max().item()
    assert (worded > limit - 1e-3).float().mean() > 0.2, "as painting limits it"


@pytest.mark.slow
def test_pictures_are_noised_as_in_training_and_texts_are_not(digits):
    pictures = asking(digits, texts=0.0).shard(0, 200).c
    level = pictures[:, -1]
    assert (level > 0).float().mean().item() == pytest.approx(0.5, abs=0.1)
    assert level.max() <= digits.config.conditioning.noise_max
    texts = asking(digits, texts=1.0).shard(0, 100).c
    assert texts.isfinite().all()
    assert (texts[:, :-1].norm(dim=1) > 0).all()


@pytest.mark.slow
def test_a_model_packed_without_its_bank_is_asked_by_texts_alone(digits):
    without = copy(digits.conditioner)
    without.bank = digits.conditioner.bank[:0]
    asked = asking(replace(digits, conditioner=without), texts=0.0, unconditional=0.0).shard(0, 8)
    assert (asked.c[:, :-1].norm(dim=1) > 0).all()
    assert (asked.scale > 0).all()


def test_a_model_without_prompts_or_bank_cannot_be_asked(digits):
    empty = replace(
        digits,
        classes=(),
        conditioner=_emptied(digits.conditioner),
        config=digits.config.model_copy(
            update={"generation": digits.config.generation.model_copy(update={"prompts": ()})}
        ),
    )
    with pytest.raises(DataError, match="nothing to ask"):
        asking(empty)


def _emptied(conditioner):
    other = copy(conditioner)
    other.prompts, other.bank = [], conditioner.bank[:0]
    return other


def test_labels_are_asked_for_by_name_at_any_scale(teacher):
    asked = asking(load(teacher), texts=1.0, unconditional=0.0, own_scale=0.0).shard(0, 50)
    assert asked.scale.max() > 3.5, "no text leaves the cloud of labels"
    plain = asked.c[asked.c[:, -1] == 0]
    assert len(plain.unique(dim=0)) == 2
    assert len(plain) < 50, "other bridges are asked for as well"
