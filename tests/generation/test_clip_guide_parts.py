"""What a CLIP guide is made of, on an embedder of three numbers: centring, views, interval."""

import pytest
import torch
from torch.nn import functional as F

from ddpm_clip.conditioning.conditioner import Conditioner
from ddpm_clip.diffusion.schedules import SCHEDULES
from ddpm_clip.diffusion.views import Views
from ddpm_clip.generation.clip_guide import ClipGuide
from ddpm_clip.generation.settings import Settings
from ddpm_clip.types import Prediction


class Colours:
    """A picture is its mean colour, a little displaced; a text is one of three words."""

    def embed_texts(self, texts):
        rows = {"red": [1.0, 0, 0], "green": [0, 1.0, 0], "blue": [0, 0, 1.0]}
        return torch.tensor([rows[text] for text in texts])

    def embed_pixels(self, x):
        return F.normalize(x.mean((2, 3)) + torch.tensor([3.0, 1.0, 0.0]), dim=1)


@pytest.fixture
def guide():
    generator = torch.Generator().manual_seed(0)
    pictures = Colours().embed_pixels(torch.rand(40, 3, 4, 4, generator=generator) * 2 - 1)
    return ClipGuide(Colours(), Conditioner.fit(pictures, torch.eye(3)))


def some(n=2):
    return torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(1)).expand(n, -1, -1, -1)


def test_pictures_are_compared_from_the_mean_of_the_pictures(guide):
    x = torch.rand(5, 3, 4, 4, generator=torch.Generator().manual_seed(3)) * 2 - 1
    wanted = F.normalize(Colours().embed_pixels(x) - guide.conditioner.mean_image, dim=1)
    assert torch.allclose(guide.pictures(x), wanted, atol=1e-5)


def test_each_picture_is_seen_through_views_of_its_own_seed(guide):
    def losses(seeds):
        return guide.score(["red"] * len(seeds), seeds, Views(4))(some(len(seeds)))

    one, other = losses([1, 2])
    assert one != other
    assert torch.equal(losses([2, 1]), torch.stack([other, one]))
    assert torch.equal(losses([1, 1])[0], losses([1, 1])[1])


@pytest.mark.parametrize(("ratio", "acts"), [(0.9, False), (1.1, True), (1.9, True), (2.1, False)])
def test_the_gradient_acts_within_its_interval_and_with_its_strength(guide, ratio, acts):
    schedule = SCHEDULES["cosine"](1000)
    t = schedule.timestep_of(torch.tensor([ratio])).item()
    x_t, x_0 = some(), 0.1 * some()
    settings = Settings().with_overrides(clip_guidance=0.5, clip_interval=(1.0, 2.0))
    overrides = guide.overrides(["red", "blue"], [1, 2], schedule, settings)
    steered = overrides.wrap(lambda x, t: Prediction(x, x_0))(x_t, t)
    assert torch.equal(steered.x_0, x_0) != acts
    length = (steered.x_0 - x_0).flatten(1).norm(dim=1)
    spread = ratio * 0.5 / (ratio**2 + 0.25) ** 0.5  # of a pixel with standard deviation 0.5
    assert torch.allclose(
        length, torch.tensor(acts * 0.5 * spread * x_0[0].numel() ** 0.5), atol=1e-3
    )
