"""The mini-CLIP learns from what is true of pictures, not from which caption went with which."""

import numpy as np
import pytest
import torch

from ddpm_clip.data.local.drawn_flowers import DrawnFlowers
from ddpm_clip.embedders.mini_clip import LOSSES, MiniClip
from ddpm_clip.errors import DataError, NonFiniteError
from ddpm_clip.training.clip.contrastive import FactTable, _noised, train_clip
from ddpm_clip.types import Caption
from ddpm_clip.utils.tensors import to_float

FACTS = [
    {"species": "rose", "petals": "red"},
    {"species": "rose", "petals": "blue"},
    {"species": "daisy", "petals": "red"},
]


@pytest.fixture(scope="module")
def flowers():
    source = DrawnFlowers(96, 16, seed=1)
    pixels = np.stack([np.asarray(source[i]).transpose(2, 0, 1) for i in range(96)])
    return torch.from_numpy(pixels), [source.facts(i) for i in range(96)]


def small(dim=16):
    torch.manual_seed(0)
    return MiniClip(3, 16, dim, 8, 32)


def test_a_caption_fits_every_picture_that_it_is_true_of():
    table = FactTable(FACTS)
    captions = [
        Caption("a red rose", {"species": "rose", "petals": "red"}),
        Caption("a rose", {"species": "rose"}),
        Caption("something red", {"petals": "red"}),
        Caption("a picture", {}),
    ]
    fits = table.fits(torch.tensor([0, 1, 2]), captions)
    assert fits.int().tolist() == [[1, 1, 1, 1], [0, 1, 0, 1], [0, 0, 1, 1]]


def test_an_attribute_that_is_empty_somewhere_is_not_said_by_silence():
    """Some emoji have no keywords, and a caption that says none must fit those that have some."""
    table = FactTable([{"name": "cat", "keywords": "pet"}, {"name": "dog", "keywords": ""}])
    fits = table.fits(torch.tensor([0, 1]), [Caption("cat", {"name": "cat"}), Caption("any", {})])
    assert fits.tolist() == [[True, True], [False, True]]


def test_pictures_of_which_less_is_known_are_not_claimed_by_captions_about_it():
    table = FactTable([{"species": "rose"}, {"species": "rose", "petals": "red"}])
    fits = table.fits(
        torch.tensor([0, 1]), [Caption("red rose", {"species": "rose", "petals": "red"})]
    )
    assert fits.tolist() == [[False], [True]]


@pytest.mark.slow
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("dim", [2, 16])
def test_thirty_steps_on_drawn_flowers_lower_the_loss(flowers, loss, dim):
    steps = list(train_clip(small(dim), *flowers, steps=30, batch_size=48, lr=3e-3, loss=loss))
    first, last = (sum(step.loss for step in part) / 5 for part in (steps[:5], steps[-5:]))
    assert last < first - 0.05
    assert [step.step for step in steps] == list(range(1, 31))
    assert all(1 <= step.inverse_temperature <= 30 for step in steps)


def test_training_leaves_the_clip_ready_to_embed(flowers):
    clip = small()
    for _ in train_clip(clip, *flowers, steps=1, batch_size=8):
        pass
    assert not clip.training


@pytest.mark.slow
def test_the_same_seed_trains_the_same_clip(flowers):
    losses = [
        [step.loss for step in train_clip(small(), *flowers, steps=3, batch_size=8, seed=seed)]
        for seed in (0, 0, 1)
    ]
    assert losses[0] == losses[1] != losses[2]


def test_pictures_of_which_nothing_is_known_are_left_out(flowers):
    pixels, facts = flowers
    some = [one if i < 5 else {} for i, one in enumerate(facts)]
    assert len(list(train_clip(small(), pixels, some, steps=2, batch_size=8))) == 2


def test_nothing_to_say_is_a_data_error(flowers):
    pixels, _ = flowers
    with pytest.raises(DataError, match="neither captions nor classes"):
        next(train_clip(small(), pixels, [{}] * len(pixels), steps=1))


def test_a_loss_that_is_no_number_ends_the_training(flowers):
    clip = small()
    with torch.no_grad():
        clip.bias.fill_(float("nan"))
    with pytest.raises(NonFiniteError, match="nan at step 1"):
        next(train_clip(clip, *flowers, steps=1, batch_size=8, loss="sigmoid"))


def test_a_noise_aware_clip_is_shown_other_pictures(flowers):
    pixels, facts = flowers
    losses = []
    for aware in (False, True):
        work = train_clip(small(), pixels, facts, steps=1, batch_size=8, noise_aware=aware)
        losses.append(next(work).loss)
    assert losses[0] != losses[1]


@pytest.mark.parametrize("option", [{"mirror": True}, {"augment": 0.5}])
def test_mirrored_and_augmented_pictures_are_other_pictures(flowers, option):
    plain = next(train_clip(small(), *flowers, steps=1, batch_size=8)).loss
    assert next(train_clip(small(), *flowers, steps=1, batch_size=8, **option)).loss != plain


def test_a_mirrored_clip_is_shown_pictures_and_their_mirror_images_only(flowers, monkeypatch):
    seen = []
    monkeypatch.setattr(
        "ddpm_clip.training.clip.contrastive._jittered", lambda x, g: seen.append(x) or x
    )
    list(train_clip(small(), *flowers, steps=2, batch_size=16, mirror=True))
    whole = to_float(flowers[0])
    plain, turned = ({one.numpy().tobytes() for one in x} for x in (whole, whole.flip(3)))
    shown = [one.contiguous().numpy().tobytes() for one in torch.cat(seen)]
    assert set(shown) <= plain | turned
    assert 0 < sum(one in turned for one in shown) < 32


def test_noise_is_drawn_as_by_a_diffusion():
    x = torch.zeros(4000, 1, 4, 4)
    spread = _noised(x, torch.Generator().manual_seed(0)).flatten(1).std(1)
    assert 0.35 < (spread > 0.15).float().mean() < 0.5, "about half, up to 0.95 of it noise"
    assert spread.max() < 1.7
