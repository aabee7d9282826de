import pytest
import torch
from torch.nn import functional as F

from ddpm_clip.errors import UsageError
from ddpm_clip.explain.noise.noise_reading import ALLOWED, noise_reader, top_words
from ddpm_clip.explain.target.from_model import target_of
from ddpm_clip.explain.target.planted import planted_target

NOISE = torch.randn(300, 1, 8, 8, generator=torch.Generator().manual_seed(5))


def pictures(target, n=40):
    return target.network.draw(torch.arange(n) % 10, torch.Generator().manual_seed(0))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["digits", "flowers"])
def test_the_clips_that_ship_read_next_to_nothing_in_random_noise(name):
    target = target_of(name, "a rose" if name == "flowers" else "a two", seeds=2)
    like = torch.randn(4, *target.image_shape, generator=torch.Generator().manual_seed(1)) / 2
    reader = noise_reader(target, target.classes, like, seed=3, draws=256)
    assert reader.chance <= ALLOWED
    more = torch.randn(256, *target.image_shape, generator=torch.Generator().manual_seed(9))
    assert (reader.z(more).abs() > 3).double().mean() <= ALLOWED


def test_z_of_random_noise_has_mean_0_and_spread_1():
    target = planted_target()
    z = noise_reader(target, target.classes, pictures(target)).z(NOISE)
    assert z.mean(0).abs().max() < 0.25
    assert z.std(0).min() > 0.85
    assert z.std(0).max() < 1.15


def test_a_mode_is_read_in_its_own_picture_however_bright_it_is():
    target = planted_target()
    reader = noise_reader(target, target.classes, pictures(target))
    for scale, shift in ((1.0, 0.0), (7.0, 3.0), (0.01, -2.0)):
        z = reader.z(scale * target.network.means + shift)
        assert z.argmax(1).tolist() == list(range(10))
        assert z.diagonal().min() > 2.5  # at most 3 in ten dimensions


def test_a_reader_shows_maps_as_bright_and_rich_as_pictures():
    target = planted_target()
    like = pictures(target)
    shown = noise_reader(target, target.classes, like).shown(50 * NOISE + 9)
    assert shown.mean().item() == pytest.approx(float(like.mean()), abs=0.02)
    assert shown.std().item() == pytest.approx(float(like.std()), rel=0.1)


def test_words_are_counted_once_none_are_refused_and_without_a_clip_there_is_no_reader():
    target = planted_target()
    assert noise_reader(target, ["two", "two", "one"], NOISE, draws=8).words == ("two", "one")
    with pytest.raises(UsageError, match="no words"):
        noise_reader(target, [], NOISE)
    assert noise_reader(target.replace(wording=None), ["two"], NOISE) is None
    assert noise_reader(target.replace(embedding=None), ["two"], NOISE) is None


def test_a_single_word_is_not_centred_away():
    target = planted_target()
    reader = noise_reader(target, ["two"], NOISE, draws=32)
    torch.testing.assert_close(
        reader.texts, F.normalize(target.embed_texts(["two"]), dim=1).double()
    )


def test_more_top_words_than_there_are_is_all_of_them_strongest_first():
    found = top_words(("a", "b", "c"), torch.tensor([0.5, -4.0, 2.0]), 8)
    assert [word for word, _ in found] == ["b", "c", "a"]
    assert top_words(("a", "b"), torch.tensor([1.0, 2.0]), 1) == [("b", 2.0)]
