"""The batch of a step: whose picture, mirrored with its embedding, dropped, noised, all by seed."""

from dataclasses import replace

import pytest
import torch

from ddpm_clip.build import build_ddpm
from ddpm_clip.training.process_group import ALONE
from ddpm_clip.training.steps.batches import Batches
from ddpm_clip.training.steps.prepared import Crops
from ddpm_clip.utils.tensors import to_float
from tests.training.test_loop import config, prepared

PLAIN = {"c_drop_prob": 0.0, "noise_prob": 0.0}


@pytest.fixture(scope="module")
def data():
    return prepared(flip=True)


def batches(data, **conditioning):
    settings = config()
    changed = settings.conditioning.model_copy(update=conditioning)
    settings = settings.model_copy(update={"conditioning": changed})
    ddpm = build_ddpm(settings.diffusion, "cpu")
    return Batches(settings, data, data.rows, ddpm, torch.device("cpu"), ALONE)


def several(data, steps=100, **conditioning):
    """Many batches one after the other, as (step, batch)."""
    made = batches(data, **conditioning)
    return [(i, made.of(i, torch.Generator().manual_seed(i))) for i in range(steps)]


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.0, 0.15, 0.6, 1.0])
def test_the_asked_share_of_conditions_is_dropped_as_a_whole(data, share):
    shown = torch.cat([batch.c_mask for _, batch in several(data, c_drop_prob=share)])
    assert shown.shape == (600, 1)
    assert set(shown.flatten().tolist()) <= {0.0, 1.0}
    assert 1 - shown.mean().item() == pytest.approx(
        share, abs=4 * (share * (1 - share) / 600) ** 0.5
    )


def test_the_element_ablation_zeroes_numbers_and_shows_every_row(data):
    made = several(data, c_drop_prob=0.3, c_drop_mode="element", noise_prob=0.0)
    assert all(bool((batch.c_mask == 1).all()) for _, batch in made)
    zeros = torch.cat([batch.c[:, :-1] == 0 for _, batch in made]).float()
    assert zeros.mean().item() == pytest.approx(0.3, abs=0.03)


def test_a_mirrored_picture_has_the_embedding_of_the_mirrored_and_a_plain_one_its_own(data):
    flips = 0
    for step, batch in several(data, 20, **PLAIN):
        for place, row in enumerate(batches(data).indices(step).tolist()):
            picture = to_float(torch.from_numpy(data.pixels[row]))
            flipped = not torch.equal(batch.x_0[place], picture)
            flips += flipped
            shown, e = (
                (picture.flip(-1), data.mirrored[row])
                if flipped
                else (picture, data.embeddings[row])
            )
            assert torch.equal(batch.x_0[place], shown)
            wanted = data.conditioner.images(e[None])[0]
            assert torch.allclose(batch.c[place], wanted, atol=1e-5), (step, place, flipped)
    assert 30 < flips < 90, "about half of 120"


def test_noise_comes_from_the_seed_of_the_step_alone(data):
    found = []
    for other in (1, 2):
        torch.manual_seed(other)
        found.append(batches(data).of(3, torch.Generator().manual_seed(7)))
    for name in ("eps", "t", "c", "c_mask", "x_0"):
        assert torch.equal(*(getattr(batch, name) for batch in found)), name
    assert not torch.equal(found[0].eps, batches(data).of(3, torch.Generator().manual_seed(8)).eps)


@pytest.mark.slow
def test_the_asked_share_of_conditions_is_noised_up_to_the_asked_level_and_says_so(data):
    made = several(data, c_drop_prob=0.0, noise_max=0.6, noise_prob=0.25)
    level = torch.cat([batch.c[:, -1] for _, batch in made])
    assert level.min() == 0
    assert 0.55 < level.max() <= 0.6
    assert (level > 0).float().mean().item() == pytest.approx(0.25, abs=0.07)
    for step, batch in made[:10]:
        rows = batches(data).indices(step)
        clean = torch.stack([data.embeddings[rows], data.mirrored[rows]])
        known = torch.stack([data.conditioner.images(e)[:, :-1] for e in clean])
        apart = (known - batch.c[:, :-1]).norm(dim=2).amin(0)
        assert ((apart > 1e-4) == (batch.c[:, -1] > 0)).all()


def test_heldout_pictures_are_never_trained_on_and_all_others_are(data):
    made = several(data, 7, **PLAIN)  # two epochs
    shown = {
        one.numpy().tobytes() for _, batch in made for one in (*batch.x_0, *batch.x_0.flip(-1))
    }
    known = [to_float(torch.from_numpy(one)).numpy().tobytes() for one in data.pixels]
    assert [row for row, one in enumerate(known) if one not in shown] == [3, 7, 11]
    assert len(set(known)) == len(known)


def test_pictures_on_the_device_make_the_same_batches_their_crops_included(data):
    crops = tuple(
        Crops(255 - data.pixels // k, data.embeddings.roll(k, 0), data.mirrored.roll(k, 0))
        for k in (2, 3)
    )
    data = replace(data, crops=crops)
    plain = batches(data)
    kept = replace(plain, pixels=data.on_device(torch.device("cpu")))
    before = data.pixels.copy()
    for step in range(20):
        one, other = (made.of(step, torch.Generator().manual_seed(step)) for made in (plain, kept))
        for name in ("x_0", "c", "c_mask", "t", "eps"):
            assert torch.equal(getattr(one, name), getattr(other, name)), name
    assert (data.pixels == before).all()
