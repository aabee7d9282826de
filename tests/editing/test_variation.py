"""Variations: the picture's embedding is the condition, noised as far as one asks."""

from copy import copy
from dataclasses import replace

import pytest
import torch

from ddpm_clip.editing import sample, vary
from ddpm_clip.editing.ideas import noised_conditions
from ddpm_clip.errors import DataError, UsageError
from ddpm_clip.evaluation.judge.network import JudgeNet, shipped_judge_folder
from ddpm_clip.generation.text_to_image import TextToImage
from ddpm_clip.utils.generators import finish
from ddpm_clip.utils.tensors import stack_pictures


@pytest.mark.slow
def test_variations_of_a_six_are_sixes_and_no_two_alike(tti, six):
    painted = finish(vary(tti, six, tti.settings(n=8, steps=8)))
    x = stack_pictures([one.image for one in painted], 28, 1)
    judge = JudgeNet.load(shipped_judge_folder("digits"))
    probabilities, _ = judge(x)
    assert (probabilities.argmax(1) == judge.classes.index("six")).sum() >= 7
    assert torch.pdist(x.flatten(1)).min() > 1


@pytest.mark.slow
def test_samples_are_digits_of_several_kinds_without_words(tti):
    painted = finish(sample(tti, tti.settings(n=32, steps=8)))
    judge = JudgeNet.load(shipped_judge_folder("digits"))
    x = stack_pictures([one.image for one in painted], 28, 1)
    probabilities, rejected = judge(x)
    assert (~rejected).sum() >= 29, "of the unconditional branch, four in ten are rejected"
    assert len(probabilities.argmax(1).unique()) >= 7
    assert {one.request.prompt for one in painted} == {"(sample)"}


def test_a_model_without_the_embeddings_of_its_pictures_cannot_sample(tti):
    conditioner = copy(tti.model.conditioner)
    conditioner.bank, conditioner._searched = conditioner.bank[:0], None
    bare = TextToImage(replace(tti.model, conditioner=conditioner))
    with pytest.raises(DataError, match="0 embeddings") as caught:
        finish(sample(bare, bare.settings(n=1, steps=1)))
    assert "--unconditional" in caught.value.fix


def test_strength_0_is_the_embedding_itself(tti, six):
    e = tti.model.embedder.embed_images([six.image])
    c = noised_conditions(tti, six, 0.0, [3, 4])
    assert torch.equal(c, tti.model.conditioner.images(e).expand(2, -1))


def test_noise_on_the_condition_follows_the_seed_and_nothing_else(tti, six):
    one, two = noised_conditions(tti, six, 0.4, [3]), noised_conditions(tti, six, 0.4, [4, 3])
    assert torch.equal(one[0], two[1])
    assert not torch.equal(two[0], two[1])
    assert torch.equal(two[:, -1], torch.full((2,), 0.4))


def test_the_farther_from_the_embedding_the_higher_the_strength(tti, six):
    clean = noised_conditions(tti, six, 0.0, range(16))[:, :-1]
    cosines = [
        torch.cosine_similarity(noised_conditions(tti, six, level, range(16))[:, :-1], clean).mean()
        for level in (0.1, 0.3, 0.5, 0.8)
    ]
    assert cosines == sorted(cosines, reverse=True)
    for level, cosine in zip((0.1, 0.3, 0.5, 0.8), cosines, strict=True):
        assert cosine.item() == pytest.approx((1 - level**2) ** 0.5, abs=0.1)


def test_strength_1_is_the_strongest_noise_of_the_training_and_is_recorded(tti, six):
    (one,) = finish(vary(tti, six, tti.settings(n=1, steps=1), strength=1.0))
    assert one.request.facts["condition_noise"] == tti.model.config.conditioning.noise_max
    assert one.request.facts["source_digest"] == six.digest
    assert (one.request.facts["mode"], one.request.facts["strength"]) == ("vary", 1.0)


@pytest.mark.parametrize("strength", [-0.1, 1.1, float("nan"), "much"])
def test_a_strength_out_of_range_is_refused(tti, six, strength):
    with pytest.raises(UsageError, match="strength"):
        vary(tti, six, tti.settings(), strength=strength)


def test_a_model_without_condition_noise_knows_strength_0_only(tti, six):
    config = tti.model.config
    conditioning = config.conditioning.model_copy(update={"noise_prob": 0.0})
    plain = replace(tti.model, config=config.model_copy(update={"conditioning": conditioning}))
    bare = TextToImage(plain)
    settings = bare.settings(n=1, steps=1)
    with pytest.raises(UsageError, match="without noise"):
        finish(vary(bare, six, settings, strength=0.5))
    assert len(finish(vary(bare, six, settings))) == 1
