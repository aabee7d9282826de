"""Random crops: what the denoiser sees and what the CLIP sees is one and the same crop."""

import numpy as np
import pytest
import torch
from PIL import Image

from ddpm_clip.build import build_ddpm
from ddpm_clip.conditioning.conditioner import Conditioner
from ddpm_clip.config.resolve import Layer, merge
from ddpm_clip.data.batch_order import crop_numbers, flip_mask
from ddpm_clip.data.pictures.crops import random_crops
from ddpm_clip.embedders.mini_clip import MiniClip
from ddpm_clip.errors import CannotCreate
from ddpm_clip.runs.run import Run
from ddpm_clip.training.prepare.pictures import open_data
from ddpm_clip.training.prepare.preparation import prepare
from ddpm_clip.training.process_group import ALONE
from ddpm_clip.training.steps.batches import Batches
from ddpm_clip.training.steps.prepared import Crops, Prepared
from ddpm_clip.utils.generators import finish
from ddpm_clip.utils.resizing import resized

N, CROPS = 12, 2


def config(**data):
    values = {
        "data.source": "drawn-flowers:24",
        "data.image_size": [16, 24],
        "data.heldout": 2,
        "model.down_chs": [16],
        "model.blocks": 1,
        "embedder.name": "mini_clip",
        "training.batch_size": 8,
        "training.device": "cpu",
        "training.dtype": "float32",
        "conditioning.noise_max": 0.0,
        "conditioning.bridge": "shift",
    }
    return merge([Layer("test", values | {f"data.{name}": v for name, v in data.items()})])[0]


@pytest.fixture
def clip(tmp_path):
    torch.manual_seed(0)
    MiniClip(3, 16, 6, width=8, text_width=8).save(tmp_path / "clip", prompts=["a"], card={})
    return MiniClip.load(tmp_path / "clip")


def told_apart(flip=True):
    """Pictures, their crops and all embeddings made of numbers that say which they are."""
    shape = (N, 3, 4, 6)
    ramp = np.arange(6, dtype=np.uint8)  # brighter to the right, so that a mirror image is told

    def pixels(crop):
        number = 20 * np.arange(N, dtype=np.uint8) + 6 * crop
        return np.broadcast_to(number[:, None, None, None] + ramp, shape).astype(np.uint8)

    def embeddings(crop, mirrored):
        e = torch.randn(N, 5, generator=torch.Generator().manual_seed(2 * crop + mirrored))
        return torch.nn.functional.normalize(e, dim=1)

    crops = tuple(
        Crops(pixels(k), embeddings(k, 0), embeddings(k, 1) if flip else None)
        for k in range(1, CROPS + 1)
    )
    plain = embeddings(0, 0)
    return Prepared(
        pixels(0),
        plain,
        Conditioner.fit(plain, plain[:4]),
        np.array([3]),
        embeddings(0, 1) if flip else None,
        crops=crops,
    )


def batches(data, seed=0):
    settings = merge(
        [
            Layer(
                "test",
                {"training.batch_size": 8, "training.seed": seed, "conditioning.noise_max": 0.0},
            )
        ]
    )[0]
    cpu = torch.device("cpu")
    return Batches(settings, data, data.rows, build_ddpm(settings.diffusion), cpu, ALONE)


def drawn(of, index):
    return of.of(index, torch.Generator().manual_seed(index))


@pytest.mark.parametrize("flip", [True, False])
def test_the_condition_is_the_embedding_of_the_crop_that_is_seen(flip):
    data, kinds = told_apart(flip), set()
    of = batches(data)
    for index in range(6):
        batch = drawn(of, index)
        values = ((batch.x_0 + 1) * 127.5).round().int()[:, 0, 0]
        for i, row in enumerate(of.indices(index)):
            mirrored = bool(values[i, 0] > values[i, -1])
            crop = (int(values[i].min()) - 20 * int(row)) // 6
            one = ([data, *data.crops])[crop]
            e = one.mirrored if mirrored else one.embeddings
            assert torch.equal(batch.c[i], data.conditioner.images(e[row : row + 1])[0])
            kinds.add((crop, mirrored))
    assert kinds == {(k, m) for k in range(CROPS + 1) for m in ({False, True} if flip else {False})}


def test_the_crops_of_a_step_follow_from_seed_and_step():
    data = told_apart()
    one, again, other = (drawn(batches(data, seed), 5) for seed in (0, 0, 1))
    drawn(batches(data), 3)
    assert torch.equal(one.x_0, again.x_0)
    assert torch.equal(one.c, again.c)
    assert not torch.equal(one.x_0, other.x_0)


def test_every_crop_and_the_picture_itself_are_seen_equally_often():
    seen = np.concatenate([crop_numbers(0, step, 64, 3) for step in range(100)])
    assert np.bincount(seen).tolist() == pytest.approx([1600] * 4, rel=0.1)
    assert crop_numbers(0, 7, 5, 0).tolist() == [0] * 5
    flips = np.concatenate([flip_mask(0, step, 64) for step in range(100)])
    assert abs(np.corrcoef(seen, flips)[0, 1]) < 0.05  # two streams of their own


@pytest.mark.slow
def test_pixels_and_embeddings_are_of_the_same_crop_at_the_full_resolution(clip, tmp_path):
    settings = config(random_crop=2, crop_margin=0.5, flip=True)
    settings = settings.model_copy(
        update={"embedder": settings.embedder.model_copy(update={"model": str(tmp_path / "clip")})}
    )
    made = finish(prepare(Run.create(tmp_path / "run", settings)))
    assert (len(made.crops), made.pixels.shape) == (2, (24, 3, 16, 24))
    source, others = open_data(settings.data), 0
    crops = random_crops(2, settings.data.crop_margin)
    for row in (0, 7, 23):
        whole = source[row].convert("RGB").crop((0, 4, 24, 20))  # drawn at 24x24
        for crop, found in zip(crops, made.crops, strict=True):
            part = crop.of(whole, source.key(row))
            assert np.array_equal(found.pixels[row], resized(part, (16, 24), 3))
            turned = part.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
            expected = clip.embed_images([part, turned])
            assert torch.allclose(found.embeddings[row].float(), expected[0], atol=2e-3)
            assert torch.allclose(found.mirrored[row].float(), expected[1], atol=2e-3)
            others += not torch.allclose(expected[0], clip.embed_images([whole])[0], atol=2e-3)
    assert others >= 4  # a crop may happen to be nearly the whole picture


@pytest.mark.slow
def test_more_crops_keep_the_embeddings_of_the_others_and_another_margin_is_refused(clip, tmp_path):
    def prepared(**data):
        settings = config(**data)
        own = settings.embedder.model_copy(update={"model": str(tmp_path / "clip")})
        run = Run.create(
            tmp_path / "run", settings.model_copy(update={"embedder": own}), overwrite=True
        )
        return finish(prepare(run))

    few = prepared(random_crop=1)
    more = prepared(random_crop=2)
    assert torch.equal(few.crops[0].embeddings, more.crops[0].embeddings)
    assert np.array_equal(few.crops[0].pixels, more.crops[0].pixels)
    names = {path.name for path in (tmp_path / "run").glob("embeddings*")}
    assert names == {"embeddings", "embeddings-crop1", "embeddings-crop2"}
    with pytest.raises(CannotCreate, match="margin"):
        prepared(random_crop=1, crop_margin=0.3)


@pytest.mark.slow
def test_without_random_crops_nothing_is_embedded_besides(clip, tmp_path):
    settings = config()
    own = settings.embedder.model_copy(update={"model": str(tmp_path / "clip")})
    run = Run.create(tmp_path / "run", settings.model_copy(update={"embedder": own}))
    assert finish(prepare(run)).crops == ()
    assert [path.name for path in run.folder.glob("embeddings*")] == ["embeddings"]
