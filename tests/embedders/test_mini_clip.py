"""The mini-CLIP: unit vectors from anything, losses that know equal captions, its own folder."""

import itertools
import json

import pytest
import torch
from PIL import Image
from torch.nn import functional as F

from ddpm_clip.data.local.drawn_flowers import DrawnFlowers
from ddpm_clip.embedders import EMBEDDERS
from ddpm_clip.embedders.mini_clip import CARD, LOSSES, WEIGHTS, MiniClip
from ddpm_clip.errors import DataError, MissingInput, UsageError
from ddpm_clip.types import Embedder, Item, SplitEmbedder
from ddpm_clip.utils.tensors import stack_pictures


def small(dim=16, **options):
    torch.manual_seed(0)
    return MiniClip(3, 16, dim, 8, 32, **options).eval()


@pytest.fixture(scope="module")
def clip():
    return small()


@pytest.fixture(scope="module")
def flowers():
    source = DrawnFlowers(4, 24, seed=3)
    return [source[i] for i in range(4)]


def is_unit(e, shape):
    return (
        e.shape == shape
        and e.dtype == torch.float32
        and torch.allclose(e.norm(dim=1), torch.ones(1))
    )


def test_pictures_words_and_pixels_become_unit_vectors(clip, flowers):
    assert isinstance(clip, Embedder)
    assert is_unit(clip.embed_images(flowers), (4, 16))
    assert is_unit(clip.embed_texts(["a rose", "6!", ""]), (3, 16))
    assert is_unit(clip.embed_pixels(torch.zeros(2, 3, 16, 16)), (2, 16))
    assert clip.embed_texts([]).shape == (0, 16)


def test_items_are_embedded_by_their_pictures(clip, flowers):
    items = [Item(str(i), picture) for i, picture in enumerate(flowers)]
    assert torch.equal(clip.embed_items(items), clip.embed_images(flowers))


def test_made_ready_one_by_one_they_are_embedded_to_the_same_bits(clip, flowers):
    items = [Item(str(i), image) for i, image in enumerate(flowers)]
    assert isinstance(clip, SplitEmbedder)
    ready = torch.stack([clip.ready(item) for item in items])
    assert torch.equal(clip.embed_ready(ready), clip.embed_items(items))


@pytest.mark.parametrize("picture", ["L", "RGB", "large"])
def test_any_size_and_grey_or_colour_is_embedded(clip, flowers, picture):
    image = {"L": flowers[0].convert("L"), "RGB": flowers[0], "large": Image.new("RGB", (300, 200))}
    assert is_unit(clip.embed_images([image[picture]]), (1, 16))


def test_grey_pixels_go_through_a_colour_clip_and_colour_through_a_grey_one(clip):
    x = torch.rand(2, 1, 16, 16)
    assert torch.allclose(
        clip.embed_pixels(x), clip.embed_pixels(x.expand(-1, 3, -1, -1)), atol=1e-6
    )
    grey = MiniClip(1, 16, 4, 8, 32).eval()
    assert is_unit(grey.embed_pixels(torch.rand(2, 3, 20, 20)), (2, 4))


def test_pixels_agree_with_pictures(clip, flowers):
    x = stack_pictures(flowers, 16, 3)
    assert (F.cosine_similarity(clip.embed_pixels(x), clip.embed_images(flowers)) > 0.999).all()


def test_gradients_reach_the_pixels(clip):
    x = torch.rand(2, 3, 20, 20, requires_grad=True)
    clip.embed_pixels(x)[:, 0].sum().backward()
    assert x.grad.abs().sum() > 0


def test_an_embedding_does_not_depend_on_its_batch(clip, flowers):
    texts = ["a rose", "a very long sentence about a very small daisy", "6"]
    assert torch.allclose(clip.embed_texts(texts)[:1], clip.embed_texts(texts[:1]), atol=1e-5)
    assert torch.allclose(clip.embed_images(flowers)[:1], clip.embed_images(flowers[:1]), atol=1e-5)


def test_more_texts_than_a_batch_are_embedded_in_order(clip):
    texts = [str(i) for i in range(600)]
    assert torch.allclose(clip.embed_texts(texts)[520], clip.embed_texts(["520"])[0], atol=1e-5)


def test_a_long_prompt_is_cut_with_a_warning(clip):
    with pytest.warns(UserWarning, match="is cut to its first 94 characters"):
        e = clip.embed_texts(["rose " * 40])
    assert is_unit(e, (1, 16))


def test_any_character_is_embedded(clip):
    texts = [chr(code) for code in range(0, 0x11000, 997)] + ["🌹🌹", "a\x00b", "ﬀ"]
    assert clip.embed_texts(texts).isfinite().all()


@pytest.mark.parametrize("dim", [2, 64, 512])
def test_any_size_of_embedding_from_2_to_512_works(dim, flowers):
    clip = small(dim)
    assert is_unit(clip.embed_images(flowers), (4, dim))
    assert is_unit(clip.embed_texts(["a", "b"]), (2, dim))


@pytest.mark.parametrize("dim", [1, 513])
def test_other_sizes_are_refused(dim):
    with pytest.raises(UsageError, match=f"embedder.dim = {dim} must be in 2") as refused:
        small(dim)
    assert refused.value.param == "embedder.dim"


def test_the_temperature_is_clamped():
    clip = small(max_inverse_temperature=30.0)
    with torch.no_grad():
        for log, clamped in ((10.0, 30.0), (-10.0, 1.0), (3.0, torch.tensor(3.0).exp().item())):
            clip.log_inverse_temperature.fill_(log)
            assert clip.inverse_temperature.item() == pytest.approx(clamped)


# Losses


@pytest.fixture
def corners():
    """Unit vectors along the axes, and which caption fits which picture: only its own."""
    return torch.eye(16)[:6], torch.eye(6, dtype=torch.bool)


@pytest.mark.parametrize("loss", LOSSES)
def test_a_loss_prefers_matched_pairs(clip, corners, loss):
    e, fits = corners
    assert LOSSES[loss](e, e, fits, clip) < LOSSES[loss](e, e.roll(1, 0), fits, clip) - 0.5


@pytest.mark.parametrize("loss", LOSSES)
def test_equal_captions_are_not_held_against_each_other(clip, corners, loss):
    """Two pictures with one caption stand together: parting them helps only where that is wrong."""
    e, own = corners[0].clone(), corners[1]
    e[1] = e[0]
    parted, fits = e.clone(), own.clone()
    parted[0, 8] = parted[1, 9] = 1.0
    parted = F.normalize(parted, dim=1)
    fits[0, 1] = fits[1, 0] = True
    assert LOSSES[loss](e, e, fits, clip) < LOSSES[loss](parted, parted, fits, clip)
    assert LOSSES[loss](e, e, own, clip) > LOSSES[loss](parted, parted, own, clip)


def test_the_multi_positive_loss_is_plain_cross_entropy_where_each_caption_fits_one(clip, corners):
    e, fits = corners
    text = F.normalize(
        e + 0.3 * torch.randn(6, 16, generator=torch.Generator().manual_seed(0)), dim=1
    )
    logits = clip.inverse_temperature * e @ text.T
    target = torch.arange(6)
    exact = (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2
    assert LOSSES["multi_positive"](e, text, fits, clip).item() == pytest.approx(
        exact.item(), rel=1e-5
    )


def test_the_sigmoid_loss_is_the_published_sum(clip, corners):
    e, fits = corners
    total = 0.0
    for i, j in itertools.product(range(6), range(6)):
        logit = clip.inverse_temperature * e[i] @ e[j] + clip.bias
        total -= F.logsigmoid(logit if i == j else -logit).item() / 6
    assert LOSSES["sigmoid"](e, e, fits, clip).item() == pytest.approx(total, rel=1e-4)


# Its folder


def saved(clip, folder):
    clip.save(folder, prompts=["a rose", "a daisy"], card={"steps": 3})
    return folder


def test_a_saved_clip_comes_back_with_its_prompts_and_a_fingerprint(clip, flowers, tmp_path):
    again = EMBEDDERS["mini_clip"](saved(clip, tmp_path / "clip"))
    assert again.prompt_bank() == ["a rose", "a daisy"]
    assert again.options == clip.options
    assert not again.training
    similar = F.cosine_similarity(again.embed_images(flowers), clip.embed_images(flowers))
    assert (similar > 0.9999).all(), "fp16 storage costs next to nothing"
    twice = MiniClip.load(tmp_path / "clip")
    assert torch.equal(twice.embed_texts(["a rose"]), again.embed_texts(["a rose"]))
    assert twice.fingerprint == again.fingerprint
    assert len(again.fingerprint) == 16


def test_other_weights_have_another_fingerprint(clip, tmp_path):
    other = MiniClip(3, 16, 16, 8, 32)
    folders = [saved(clip, tmp_path / "one"), saved(other, tmp_path / "two")]
    assert len({MiniClip.load(folder).fingerprint for folder in folders}) == 2


@pytest.mark.parametrize("missing", [CARD, WEIGHTS])
def test_a_folder_without_a_clip_says_how_to_train_one(clip, tmp_path, missing):
    saved(clip, tmp_path)
    (tmp_path / missing).unlink()
    with pytest.raises(MissingInput, match="train-clip"):
        MiniClip.load(tmp_path)


def test_damaged_files_are_a_data_error(clip, tmp_path):
    def damaged(change):
        change(saved(clip, tmp_path))
        with pytest.raises(DataError, match="damaged"):
            MiniClip.load(tmp_path)

    damaged(lambda folder: (folder / CARD).write_text("{", encoding="utf-8"))
    damaged(lambda folder: (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:-100]))
    damaged(lambda folder: (folder / WEIGHTS).write_bytes(b""))
    damaged(lambda folder: (folder / CARD).write_text(json.dumps({"options": {"dim": 8}})))
    damaged(lambda folder: (folder / CARD).write_text("[]", encoding="utf-8"))


@pytest.mark.parametrize("key", ["width", "text_width"])
def test_a_width_that_cannot_be_divided_is_refused_by_key(key):
    with pytest.raises(UsageError, match="100") as refused:
        MiniClip(**{key: 100})
    assert refused.value.param == f"embedder.{key}"
