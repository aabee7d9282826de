import pytest
import torch

from ddpm_clip.training.clip import augmenting
from ddpm_clip.training.clip.augmenting import augmented, mirrored

PARTS = ("CUT", "STRETCH", "TURN", "SHIFT", "CONTRAST", "SATURATION", "BRIGHTNESS", "TINT", "COVER")


@pytest.fixture
def only(monkeypatch):
    """Leave some parts of the augmentation and take the others out."""

    def keep(*names):
        for name in set(PARTS) - set(names):
            monkeypatch.setattr(augmenting, name, 0.0)

    return keep


def drawing(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("shape", [(5, 1, 28, 28), (3, 3, 32, 32), (2, 3, 9, 15)])
def test_pictures_keep_shape_and_range_and_follow_from_the_generator(shape):
    x = torch.rand(shape, generator=drawing()) * 2 - 1
    first, again = (augmented(x, 1.0, drawing(1)) for _ in range(2))
    assert first.shape == shape
    assert first.abs().max() <= 1
    assert torch.equal(first, again)
    assert not torch.equal(first, augmented(x, 1.0, drawing(2)))


def test_no_strength_changes_nothing_and_draws_nothing():
    x, generator = torch.rand(4, 3, 8, 8, generator=drawing()), drawing(1)
    before = generator.get_state()
    assert torch.equal(augmented(x, 0.0, generator), x)
    assert torch.equal(generator.get_state(), before)


def test_the_more_strength_the_farther_from_the_picture():
    ramp = torch.linspace(-0.9, 0.9, 32).expand(200, 3, 32, 32)
    far = [(augmented(ramp, s, drawing()) - ramp).abs().mean().item() for s in (0.1, 0.4, 1.0)]
    assert far[0] < 0.1 < far[2]
    assert far == sorted(far)


def test_half_of_the_pictures_are_mirrored_and_the_others_left_alone():
    x = torch.rand(1000, 1, 4, 6, generator=drawing())
    seen = mirrored(x, drawing(1))
    same, turned = ((seen == y).all((1, 2, 3)) for y in (x, x.flip(3)))
    assert (same ^ turned).all()
    assert 440 < turned.sum() < 560  # four standard deviations of a fair coin


def test_a_cut_out_shows_nothing_that_was_not_in_the_picture(only):
    only("CUT", "STRETCH", "TURN", "SHIFT")
    x = torch.full((300, 1, 32, 32), -0.5)
    x[..., 16:] = 0.5  # one colour on the left, another on the right
    moved = augmented(x, 1.0, drawing())
    assert moved.abs().max() <= 0.5 + 1e-6
    assert (moved.abs() > 0.49).float().mean() > 0.9, "but for the seam"
    assert not torch.equal(moved, x)


def test_a_turned_and_stretched_picture_keeps_its_middle(only):
    only("STRETCH", "TURN")
    spot = torch.full((400, 1, 33, 33), -1.0)
    spot[..., 16, 16] = 1
    seen = augmented(spot, 1.0, drawing())
    assert (seen[..., 16, 16] > 0.9).all()


def test_colours_change_and_shapes_do_not(only):
    only("CONTRAST", "SATURATION", "BRIGHTNESS", "TINT")
    x = torch.full((300, 3, 8, 8), -0.2)
    x[:, 0, :, 4:] = 0.3  # the right half is redder
    seen = augmented(x, 1.0, drawing())
    assert torch.equal(seen, seen[..., :1, [0]].expand_as(seen).where(torch.arange(8) < 4, seen))
    assert (seen[:, 0, :, 4:] > seen[:, 0, :, :4]).all()
    assert seen.std(0).min() > 0.05


def test_a_covered_square_is_at_most_half_as_wide_as_the_picture(only):
    only("COVER")
    covered = augmented(torch.full((500, 1, 32, 32), 0.5), 1.0, drawing()) == 0
    assert covered.any(3).sum((1, 2)).max() <= 17
    assert covered.any(2).sum((1, 2)).max() <= 17
    whole = 0.5**2 / 3  # E of the squared side, even in 0 … 1/2
    assert 0.5 * whole < covered.float().mean() < whole, "some of it is beyond the edge"
