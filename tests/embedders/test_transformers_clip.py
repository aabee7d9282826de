"""Pretrained CLIP and SigLIP, on tiny random models in the Hugging Face layout, offline."""

import json
import shutil
import sys
import time
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_clip import make_tiny_clip, make_tiny_siglip

from ddpm_clip.embedders import EMBEDDERS, hub
from ddpm_clip.embedders.prompt_bank import prompt_bank
from ddpm_clip.embedders.transformers_clip import TransformersClip
from ddpm_clip.errors import DataError, MissingInput, UsageError, WeightsUnavailable
from ddpm_clip.types import Embedder, Item, SplitEmbedder

MAKERS = {"clip": make_tiny_clip, "siglip": make_tiny_siglip}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return {name: make(tmp_path_factory.mktemp(name)) for name, make in MAKERS.items()}


@pytest.fixture(scope="module", params=list(MAKERS))
def family(request):
    return request.param


@pytest.fixture(scope="module")
def embedder(folders, family):
    return TransformersClip.load(folders[family], dtype="float32", batch_size=2)


@pytest.fixture
def copy(folders, tmp_path):
    """A model folder of the CLIP family that a test may spoil."""
    return shutil.copytree(folders["clip"], tmp_path / "model")


def pictures(n=3, size=(40, 40), seed=0):
    """Smooth random colour fields: like photographs, most of their power is in low frequencies."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (n, 6, 6, 3), dtype=np.uint8)
    return [Image.fromarray(c).resize(size, Image.Resampling.BICUBIC) for c in coarse]


def pixels(images):
    x = torch.stack([torch.from_numpy(np.array(image)).permute(2, 0, 1) for image in images])
    return x.float() / 127.5 - 1


@pytest.mark.slow
def test_it_is_an_embedder_with_a_name_that_tells_no_path(embedder, folders, family):
    assert isinstance(embedder, Embedder)
    assert embedder.name == f"transformers_clip:{folders[family].name}"
    assert embedder.dim == 16


@pytest.mark.slow
def test_embed_images_equals_the_processor_and_the_model(embedder, folders, family):
    from transformers import AutoModel
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
    from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

    kind = {"clip": CLIPImageProcessorPil, "siglip": SiglipImageProcessorPil}[family]
    processor = kind.from_pretrained(folders[family])
    model = AutoModel.from_pretrained(folders[family]).eval()
    images = pictures(5, (50, 37))
    with torch.no_grad():
        values = processor(images=images, return_tensors="pt")["pixel_values"]
        wanted = model.get_image_features(pixel_values=values).pooler_output
    wanted = wanted / wanted.norm(dim=1, keepdim=True)
    assert torch.allclose(embedder.embed_images(images), wanted, atol=1e-3)


@pytest.mark.slow
def test_embeddings_have_unit_length_in_float32_and_tell_pictures_apart(embedder):
    e = embedder.embed_images(pictures(5))
    p = embedder.embed_texts(["a dog", "a cat", "7"])
    for rows in (e, p):
        assert rows.dtype == torch.float32
        assert torch.allclose(rows.norm(dim=1), torch.ones(len(rows)), atol=1e-5)
        assert torch.pdist(rows).min() > 1e-3


@pytest.mark.parametrize("size", [(28, 28), (32, 32), (64, 64), (70, 45), (45, 70)])
def test_the_pixel_path_agrees_with_the_processor_at_every_size(embedder, size):
    images = pictures(4, size)
    cosine = torch.cosine_similarity(
        embedder.embed_images(images), embedder.embed_pixels(pixels(images))
    )
    other = torch.cosine_similarity(
        embedder.embed_images(images), embedder.embed_pixels(pixels(images[::-1]))
    )
    assert cosine.min() > 0.9995
    assert other.min() < cosine.min()


def test_the_preprocessed_pixels_agree_to_a_rounding_step(folders, embedder):
    image = pictures(1, (90, 61))[0]
    wanted = embedder._processor(images=[image], return_tensors="pt")["pixel_values"]
    ours = embedder._pixel_path(pixels([image]))
    assert ours.shape == wanted.shape
    assert (ours - wanted).abs().max() < 2 / 255 / 0.25  # two grey levels on the encoder's scale


def test_gradients_reach_every_pixel_also_where_the_filter_overshoots(embedder):
    def gradient(contrast):
        x = pixels(pictures(1, (20, 20))).sign() * contrast
        x.requires_grad_(True)
        embedder._pixel_path(x).sum().backward()
        return x.grad

    assert (gradient(0.3) != 0).all()
    assert torch.equal(gradient(1.0), gradient(0.3))  # black and white, as linear as dull grey


def test_following_the_gradient_raises_the_similarity(embedder):
    target = embedder.embed_images(pictures(1, seed=5))
    x = torch.zeros(1, 3, 24, 24, requires_grad=True)
    before = torch.cosine_similarity(embedder.embed_pixels(x), target)
    before.sum().backward()
    after = torch.cosine_similarity(embedder.embed_pixels(x + 0.01 * x.grad.sign()), target)
    assert after.item() > before.item()


def test_grey_pixels_are_the_same_picture_in_grey(embedder):
    grey = [image.convert("L") for image in pictures(2)]
    x = pixels([image.convert("RGB") for image in grey])
    assert torch.allclose(embedder.embed_pixels(x[:, :1]), embedder.embed_pixels(x), atol=1e-5)
    assert (
        torch.cosine_similarity(embedder.embed_images(grey), embedder.embed_pixels(x)).min() > 0.999
    )


def test_pixels_of_a_wrong_shape_are_refused(embedder):
    with pytest.raises(UsageError, match="pixels must be"):
        embedder.embed_pixels(torch.zeros(3, 8, 8))


def test_the_batch_does_not_change_an_embedding(embedder):
    images, texts = pictures(5), ["a", "dog", "two dogs", "3", "a longer text"]
    one_by_one = torch.cat([embedder.embed_images([image]) for image in images])
    assert torch.allclose(embedder.embed_images(images), one_by_one, atol=1e-5)
    alone = torch.cat([embedder.embed_texts([text]) for text in texts])
    assert torch.allclose(embedder.embed_texts(texts), alone, atol=1e-5)


def test_nothing_gives_no_rows(embedder):
    assert embedder.embed_images([]).shape == embedder.embed_texts([]).shape == (0, 16)


def test_items_are_embedded_by_their_pictures(embedder):
    images = pictures(2)
    items = [Item(str(i), image, label="dog") for i, image in enumerate(images)]
    assert torch.equal(embedder.embed_items(items), embedder.embed_images(images))


def test_made_ready_one_by_one_they_are_embedded_to_the_same_bits(embedder):
    items = [Item(str(i), image) for i, image in enumerate(pictures(5, size=(48, 37)))]
    assert isinstance(embedder, SplitEmbedder)
    ready = torch.stack([embedder.ready(item) for item in items])
    assert torch.equal(embedder.embed_ready(ready), embedder.embed_items(items))


def test_bytes_become_what_the_processor_makes_to_the_bit(embedder):
    images = pictures(2, size=(50, 41))
    ready = torch.stack([embedder.ready(Item(str(i), image)) for i, image in enumerate(images)])
    wanted = embedder._processor(images=images, return_tensors="pt")["pixel_values"]
    assert ready.dtype == torch.uint8
    assert torch.equal(embedder._pixel_path.levels(ready), wanted)


def test_a_processor_with_a_scale_of_its_own_is_left_to_it(copy):
    told = json.loads((copy / "preprocessor_config.json").read_text())
    (copy / "preprocessor_config.json").write_text(json.dumps(told | {"rescale_factor": 1 / 127.5}))
    embedder, image = TransformersClip.load(copy, dtype="float32"), pictures(1)[0]
    wanted = embedder._processor(images=[image], return_tensors="pt")["pixel_values"]
    ready = embedder.ready(Item("a", image))
    assert torch.equal(ready, wanted[0])
    features = embedder._model.get_image_features(pixel_values=wanted)
    torch.testing.assert_close(
        embedder.embed_ready(ready[None]),
        torch.nn.functional.normalize(features.pooler_output, dim=-1),
    )


def test_a_long_prompt_is_cut_with_a_warning_that_names_it(embedder):
    long = "rose " * 30
    with pytest.warns(UserWarning, match="'rose rose"):
        e = embedder.embed_texts(["a", long])
    assert torch.isfinite(e).all()


def test_a_prompt_that_fits_is_not_warned_about(embedder):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        embedder.embed_texts(["six", ""])


def test_words_are_not_garbage_to_the_tokenizer(embedder):
    ids = embedder._tokenise(["dog", "god", "Dog"])["input_ids"]
    assert torch.equal(ids[0], ids[2])
    assert not torch.equal(ids[0], ids[1])
    assert len(set(ids[0].tolist())) >= 4  # d, o, g and the end


def test_siglip_pads_to_its_full_length_as_in_its_training(folders):
    ids = TransformersClip.load(folders["siglip"])._tokenise(["a"])
    assert ids["input_ids"].shape == (1, 16)
    assert list(ids) == ["input_ids"]


def test_bfloat16_stays_close_to_float32(embedder, folders, family):
    half = TransformersClip.load(folders[family], dtype="bfloat16")
    images = pictures(4)
    a, b = embedder.embed_images(images), half.embed_images(images)
    assert b.dtype == torch.float32
    assert torch.cosine_similarity(a, b).min() > 0.999


@pytest.mark.slow
def test_the_fingerprint_is_of_the_content_and_not_of_the_place(folders, copy):
    one = TransformersClip.load(folders["clip"]).fingerprint
    assert TransformersClip.load(copy).fingerprint == one
    (copy / "model.safetensors").unlink()
    make_tiny_clip(copy, seed=1)
    assert TransformersClip.load(copy).fingerprint != one


def test_it_is_opened_by_its_registry_name(folders):
    assert EMBEDDERS["transformers_clip"](str(folders["clip"])).dim == 16


def test_the_prompt_bank_is_large_and_without_repeats(embedder):
    bank = embedder.prompt_bank()
    assert bank == prompt_bank()
    assert len(bank) == len(set(bank)) >= 200
    assert "an orange" in " ".join(bank)


# --- refusals -----------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["nobody/clip", "openai/clip-vit-base-patch32"])
def test_without_a_network_the_weights_are_unavailable_quickly(model, tmp_path, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    start = time.monotonic()
    with pytest.raises(WeightsUnavailable, match=r"embedder\.model=FOLDER") as caught:
        TransformersClip.load(model)
    assert time.monotonic() - start < 5
    assert caught.value.exit_code == 69
    assert "mini_clip" in caught.value.fix


def test_offline_mode_asks_no_network(tmp_path, monkeypatch):
    import socket

    from huggingface_hub import constants

    asked = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: asked.append(a) or [])
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(WeightsUnavailable):
        TransformersClip.load("nobody/clip")
    assert asked == []


def cached_repository(cache, snapshots, main):
    """A hub cache with these snapshots (name -> folder to copy), `main` pointing at one."""
    root = cache / "models--who--clip"
    for name, source in snapshots.items():
        shutil.copytree(source, root / "snapshots" / name)
    (root / "refs").mkdir(parents=True)
    (root / "refs" / "main").write_text(main)
    return root


def test_a_cached_model_is_loaded_without_a_network(folders, tmp_path, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    cached_repository(tmp_path, {"a" * 40: folders["clip"]}, "a" * 40)
    assert TransformersClip.load("who/clip").name == "transformers_clip:who/clip"


def test_weights_cached_from_the_converters_branch_are_found(folders, copy, tmp_path, monkeypatch):
    from huggingface_hub import constants

    (copy / "model.safetensors").rename(copy / "pytorch_model.bin")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    snapshots = {"a" * 40: copy, "b" * 40: folders["clip"]}
    cached_repository(tmp_path / "cache", snapshots, "a" * 40)
    assert hub.find_folder("who/clip").name == "b" * 40


def test_a_repository_without_safetensors_is_taken_from_the_converters_branch(
    folders, copy, monkeypatch
):
    import huggingface_hub

    (copy / "model.safetensors").rename(copy / "pytorch_model.bin")
    branches = {None: copy, "refs/pr/66": folders["clip"]}
    offers = [SimpleNamespace(num=n, author=hub.CONVERTER) for n in (15, 66)]
    offers.append(SimpleNamespace(num=99, author="somebody"))

    def snapshot(model, *, allow_patterns, revision=None, local_files_only=False, **_):
        assert not any(p.endswith((".bin", "*")) for p in allow_patterns)
        if local_files_only:
            raise FileNotFoundError(model)
        return str(branches[revision])

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", lambda *a, **k: None)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot)
    monkeypatch.setattr(huggingface_hub, "get_repo_discussions", lambda *a, **k: iter(offers))
    assert hub.find_folder("who/clip") == folders["clip"]


def test_a_missing_folder_is_no_hub_id(tmp_path):
    for model in (tmp_path / "no" / "model", "./model", "flowers"):
        with pytest.raises(MissingInput) as caught:
            TransformersClip.load(model)
        assert caught.value.exit_code == 66


def test_a_name_that_can_be_no_hub_id_is_a_usage_error():
    with pytest.raises(UsageError, match="not a hub id"):
        TransformersClip.load("a b/c d")


def spoil_family(folder):
    (folder / "config.json").write_text(json.dumps({"model_type": "bert"}))


def spoil_config(folder):
    (folder / "config.json").write_text('{"model_type": ')


def drop_config(folder):
    (folder / "config.json").unlink()


def pickle_only(folder):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def truncate_weights(folder):
    data = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(data[: len(data) // 2])


def drop_a_tensor(folder):
    from safetensors.torch import load_file, save_file

    tensors = load_file(folder / "model.safetensors")
    tensors.pop("visual_projection.weight")
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})


def drop_tokenizer(folder):
    (folder / "vocab.json").unlink()


def drop_processor(folder):
    (folder / "preprocessor_config.json").unlink()


@pytest.mark.parametrize(
    ("spoil", "error", "words"),
    [
        (spoil_family, UsageError, "'bert'"),
        (spoil_config, DataError, "config.json"),
        (drop_config, DataError, "no config.json"),
        (pickle_only, DataError, "never opened"),
        (truncate_weights, DataError, "cannot load"),
        (drop_a_tensor, DataError, r"visual_projection\.weight"),
        (drop_tokenizer, DataError, "no tokenizer.json or vocab.json"),
        (drop_processor, DataError, "no preprocessor_config"),
    ],
)
def test_a_folder_that_is_no_whole_model_is_refused_in_a_sentence(copy, spoil, error, words):
    spoil(copy)
    with pytest.raises(error, match=words):
        TransformersClip.load(copy)


def test_bad_options_are_usage_errors(folders):
    with pytest.raises(UsageError, match="float16"):
        TransformersClip.load(folders["clip"], dtype="float16")
    with pytest.raises(UsageError, match="batch size 0"):
        TransformersClip.load(folders["clip"], batch_size=0)


def test_torchvision_is_not_needed():
    assert "torchvision" not in sys.modules
