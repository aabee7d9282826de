import pytest
import torch

from ddpm_clip.errors import UsageError
from ddpm_clip.explain.inversions.inversion import inversion
from ddpm_clip.explain.inversions.other_prompt import other_prompt
from ddpm_clip.explain.inversions.round_trip import Returned, invert_and_return
from ddpm_clip.explain.target.nulls import NULLS, nulls_of
from ddpm_clip.explain.target.planted import planted_target
from ddpm_clip.explain.verdict.verdicts import weigh
from ddpm_clip.models.ddpm import noise_of
from ddpm_clip.utils.generators import finish


@pytest.mark.slow
def test_the_mixture_passes_at_the_order_of_its_solver():
    found = inversion(planted_target("a five"), quick=True)
    assert found.verdict == "pass", found.test
    gains = found.numbers["gains"]["mean"]
    assert min(gains) > 3.5
    assert max(gains) < 7
    assert found.numbers["ways"]["once"] == 8
    assert found.numbers["edited"]["share"] == 1.0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("null", "seed"),
    [(null, 0) for null in nulls_of("inversion")]
    + [("shuffled_prompts", 1), ("untrained_judge", 1)],
)
def test_no_null_passes(null, seed):
    target = NULLS[null](planted_target("a two" if seed else "a nine"), seed)
    assert inversion(target, quick=True).verdict != "pass"


@pytest.mark.slow
def test_wrong_rows_make_an_exact_denoiser_no_smooth_flow():
    """It takes the row at its word, as a network that was trained need not."""
    wrong = NULLS["permuted_timesteps"](planted_target("a nine"), 0)
    found = finish(invert_and_return(wrong, list(range(8)), (5, 10, 20), None))
    assert weigh(None, found.claims) == "fail"


@pytest.mark.slow
def test_a_picture_from_the_deterministic_walk_finds_its_own_noise_again():
    target = planted_target("a two", sampler="ddim", guidance=1.0, steps=40)
    seeds = [0, 1, 2, 3]
    found = finish(invert_and_return(target, seeds, (40, 80), None))
    true = noise_of(seeds, found.x.shape, "cpu")(-1)
    alike = torch.cosine_similarity(found.noise.flatten(1), true.flatten(1))
    astray = torch.cosine_similarity(found.noise.flatten(1), true.roll(1, 0).flatten(1))
    assert alike.min() > 0.99
    assert astray.abs().max() < 0.5


def returned(plain, refined):
    x = torch.zeros(2, 1, 1, 1)
    plain, refined = (torch.tensor(one).double().expand(2, -1) for one in (plain, refined))
    return Returned((5, 10, 20), plain, refined, torch.zeros(2).double(), x, x, x, None)


def test_the_law_of_a_first_order_solver():
    assert weigh(None, returned([20.0, 25.5, 31.0], [25.0, 37.0, 50.0]).claims) == "pass"
    too_little = returned([20.0, 21.0, 31.0], [25.0, 37.0, 50.0])
    assert weigh(None, too_little.claims) == "fail"
    assert (
        weigh(None, returned([20.0, 25.5, 31.0], [19.0, 37.0, 50.0]).claims) == "fail"
    )  # did harm


def test_the_other_prompt_is_of_the_opposite_class_unless_one_is_named():
    target = planted_target("a two")
    assert other_prompt(target).asked_class == 7
    assert other_prompt(target, "a small nine").prompt == "a small nine"
    with pytest.raises(UsageError, match="asks for no other"):
        other_prompt(target, "two again")
    with pytest.raises(UsageError, match="asks for no other"):
        other_prompt(target, "something")
    assert other_prompt(target.replace(asked_class=None)) is None


@pytest.mark.slow
def test_a_prompt_without_a_class_is_walked_up_and_down_and_nothing_is_concluded():
    found = inversion(planted_target("something small", seeds=range(4)), quick=True)
    assert found.verdict == "inconclusive"
    assert min(found.numbers["gains"]["mean"]) > 2
