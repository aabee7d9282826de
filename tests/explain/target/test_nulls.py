"""A null takes away one thing and leaves the rest."""

import pytest
import torch

from ddpm_clip.explain.target.asked_for import asked_for
from ddpm_clip.explain.target.from_model import target_of
from ddpm_clip.explain.target.nulls import NULLS
from ddpm_clip.explain.target.planted import planted_target
from ddpm_clip.utils.generators import finish


@pytest.fixture(scope="module")
def planted():
    return planted_target("a two", range(8))


@pytest.mark.slow
@pytest.mark.parametrize("name", NULLS)
def test_a_null_of_any_target_still_walks_and_says_that_it_is_one(name, planted):
    for target in (planted, target_of("digits", "a six", 2, steps=3)):
        null = NULLS[name](target, 0)
        x = finish(null.pictures(null.conditions()))
        assert x.isfinite().all()
        assert null.judge(x).shape == (len(target.seeds), len(target.classes))
        assert null.about["null"] == name.replace("_", " ")
        assert "null" not in target.about


@pytest.mark.slow
@pytest.mark.parametrize("name", NULLS)
def test_the_same_seed_is_the_same_null(name, planted):
    c = planted.conditions()
    one, two = (finish(NULLS[name](planted, 3).pictures(c)) for _ in range(2))
    assert torch.equal(one, two)


@pytest.mark.slow
def test_random_weights_are_as_wide_as_the_trained_ones_and_leave_those_alone():
    target = target_of("digits", "a six", 1)
    before = {k: v.clone() for k, v in target.network.state_dict().items()}
    null = NULLS["random_weights"](target, 0)
    for name, weight in null.network.state_dict().items():
        assert torch.equal(before[name], target.network.state_dict()[name])
        if weight.ndim > 1 and weight.numel() > 500:
            assert abs(float(weight.std() / before[name].std()) - 1) < 0.2, name
            seen = torch.stack([weight.flatten(), before[name].flatten()])
            assert abs(float(torch.corrcoef(seen)[0, 1])) < 0.2, name


@pytest.mark.slow
def test_shuffled_prompts_never_ask_for_the_target_and_are_stable(planted):
    null = NULLS["shuffled_prompts"](planted, 1)
    texts = list(planted.vocabulary)
    c = null.conditions(texts, list(range(len(texts))))
    assert (c[:, 2] == 0).all()
    assert torch.equal(c, null.conditions(texts, list(range(len(texts)))))
    assert len(c.argmax(1).unique()) > 4
    digits = target_of("digits", "a six", 1)
    pool = [t for t in digits.vocabulary if asked_for(t, {"d": digits.classes}).asked_class == 6]
    assert pool  # there is something to leave out


def test_an_untrained_judge_reads_nothing_of_the_classes(planted):
    right = 0
    for seed in range(20):
        null = NULLS["untrained_judge"](planted, seed)
        right += int(
            (null.judge(planted.network.means.float()).argmax(1) == torch.arange(10)).sum()
        )
    assert 5 <= right <= 40  # 20 of 200 by chance, standard deviation 4.2


def test_permuted_rows_are_all_rows_each_once(planted):
    told = []

    class Listener:
        image_shape, c_embed_dim = (1, 8, 8), 10

        def __call__(self, x_t, t, c, c_mask):
            told.append(t)
            return x_t

    null = NULLS["permuted_timesteps"](planted.replace(network=Listener()), 0)
    T = planted.schedule.T
    null.network(torch.zeros(T, 1, 8, 8), torch.arange(T).float(), None, None)
    assert told[0].sort().values.tolist() == list(range(T))
    assert (told[0] != torch.arange(T)).float().mean() > 0.99
