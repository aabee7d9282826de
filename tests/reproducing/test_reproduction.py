"""A picture again: the same bits from its own words, and every way in which that can fail."""

import dataclasses

import numpy as np
import pytest
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from ddpm_clip.data.pictures.png_texts import KEY, read_parameters
from ddpm_clip.editing import (
    EDITS,
    blend,
    img2img,
    inpaint,
    interpolate,
    open_mask,
    open_picture,
    paint_points,
    sample,
    vary,
)
from ddpm_clip.errors import DataError, MissingInput, UsageError
from ddpm_clip.generation.files import paint_files, save_painted
from ddpm_clip.generation.text_to_image import TextToImage
from ddpm_clip.reproducing import reproduce
from ddpm_clip.utils.cpu_threads import threads
from ddpm_clip.utils.generators import finish


def again(*words, **options):
    return finish(reproduce(*words, **options))


@pytest.mark.slow
def test_every_picture_of_mixed_batches_comes_back_to_the_bit(tti, painted):
    for file in painted:
        found = again(file, tti)
        assert found.equal, found.comparison
        assert found.notes == []


def test_the_file_of_the_second_one_says_the_same(tti, painted, tmp_path):
    found = again(painted[4], tti)
    out = found.save(tmp_path / "again.png")
    assert read_parameters(out) == read_parameters(painted[4])
    assert out.read_bytes() == painted[4].read_bytes()
    with pytest.raises(UsageError, match=r"\.png"):
        found.save(tmp_path / "folder")


def test_a_changed_pixel_is_found_and_measured(tti, painted, spoilt):
    found = again(spoilt(painted[1], (3, 4)), tti)
    assert not found.equal
    assert (found.comparison.different, found.comparison.largest) == (1, 1)


@pytest.mark.slow
@pytest.mark.parametrize(
    "facts",
    [
        {"seed": 4},
        {"prompt": "a zero"},
        {"guidance": 1.5},
        {"steps": 4},
        {"sampler": "ddim"},
        {"negative": None},
        {"interval": None},
        {"bridge": "shift"},
    ],
    ids=str,
)
def test_the_picture_is_painted_and_not_only_read(tti, told, facts):
    """Each fact that decides pixels is heard: where it is a lie, the pixels differ."""
    assert again(told(), tti).equal
    assert not again(told(**facts), tti).equal


def test_its_place_and_its_batch_are_repeated(tti, painted, monkeypatch):
    """As many pictures at once, with the same extremes of guidance, and ours where it was."""
    batches = []

    def paint(batch, settings, **overrides):
        batches.append(batch)
        return TextToImage.paint_requests(tti, batch, settings, **overrides)

    fresh = TextToImage(tti.model)
    monkeypatch.setattr(fresh, "paint_requests", paint)
    assert again(painted[3], fresh).equal
    (batch,) = batches
    assert [request.guidance for request in batch] == [2.0, 1.0, 2.0]
    assert {(request.prompt, request.seed) for request in batch} == {("a six", 6)}


@pytest.mark.slow
def test_threads_are_repeated_and_given_back(tti, told, monkeypatch):
    seen = set()
    for _ in reproduce(told(threads=2), tti):
        seen.add(torch.get_num_threads())
    assert seen == {2}
    assert torch.get_num_threads() == 1
    with pytest.raises(ZeroDivisionError), threads(2):
        _ = 1 / 0
    assert torch.get_num_threads() == 1
    monkeypatch.setattr("ddpm_clip.reproducing.reproduction.MANY_THREADS", 2)
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    many = again(told(threads=60_000), tti)
    assert many.facts["threads"] == 2
    assert many.notes == ["painted with threads 60000, here 2"]


@pytest.mark.slow
def test_what_is_otherwise_than_it_was_is_noted(tti, told):
    found = again(told(torch="1.0", cpu="AVX9", device="cuda:3", packed=False), tti)
    assert [note.split(",")[0] for note in found.notes] == [
        "painted with PyTorch 1.0",
        "painted on cuda:3",
        "painted on a CPU with AVX9",
        "painted by a packed model: False",
    ]


@pytest.mark.slow
def test_a_model_is_found_by_name_only_if_it_ships(tti, painted, told, tmp_path):
    assert again(painted[0]).equal
    with pytest.raises(MissingInput) as refused:
        again(told(model="../../somewhere"))
    assert (refused.value.exit_code, refused.value.param) == (66, "model")
    assert again(told(model="mine"), "digits").equal, "a model may be called otherwise here"


def test_another_model_of_the_same_name_is_refused(tti, painted, told):
    other = TextToImage(dataclasses.replace(tti.model, fingerprint="f" * 16))
    with pytest.raises(DataError) as refused:
        again(painted[0], other)
    assert "f" * 16 in str(refused.value)
    assert (refused.value.exit_code, refused.value.param) == (65, "model")
    for lie in ({"size": "14x14"}, {"steps": 10**6}):
        with pytest.raises(DataError, match="damaged"):
            again(told(**lie), tti)


def test_a_resized_picture_is_another_one(tti, painted, tmp_path):
    large, info = tmp_path / "large.png", PngInfo()
    with Image.open(painted[4]) as image:
        info.add_itxt(KEY, image.text[KEY])
        image.resize((56, 56)).save(large, pnginfo=info)
    found = again(large, tti)
    assert not found.equal
    assert found.comparison.sizes == ((56, 56), (28, 28))


@pytest.fixture(scope="module")
def given(tti, tmp_path_factory):
    """A six and a mask as files, and both opened."""
    home = tmp_path_factory.mktemp("given")
    picture, mask = home / "six.png", home / "mask.png"
    tti("a six", seed=1, steps=4)[0].save(picture)
    half = Image.new("L", (28, 28), 0)
    half.paste(255, (0, 0, 28, 14))
    half.save(mask)
    opened = open_picture(picture, tti.model)
    return picture, mask, opened, open_mask(mask, opened, tti.model)


HOW = {"n": 1, "steps": 2, "seed": 8, "batch": 2}


def edits(tti, given):
    _, _, six, paint = given
    settings = tti.settings(**HOW)
    bare = tti.settings(**HOW, unconditional=True)
    return {
        "vary": (vary(tti, six, settings, strength=0.5), settings),
        "interpolate": (interpolate(tti, six, "a nine", settings, frames=2), settings),
        "interpolate of prompts": (
            interpolate(tti, "a six", "a two", settings, frames=3),
            settings,
        ),
        "blend": (blend(tti, [("a nine", 0.6), (six, 0.4)], settings), settings),
        "sample": (sample(tti, settings), settings),
        "point": (paint_points(tti, [[1.5, -2], [0, 1]], settings), settings),
        "img2img": (img2img(tti, six, "a nine", settings, strength=0.5), settings),
        "img2img of nothing": (img2img(tti, six, "a nine", settings, strength=0.0), settings),
        "img2img of all": (img2img(tti, six, "a nine", settings, strength=1.0), settings),
        "inpaint": (inpaint(tti, six, paint, "a nine", settings, rounds=2), settings),
        "inpaint without words": (inpaint(tti, six, paint, None, bare, rounds=1), bare),
    }


EXAMPLES = (
    "vary",
    "interpolate",
    "interpolate of prompts",
    "blend",
    "point",
    "sample",
    "img2img",
    "img2img of nothing",
    "img2img of all",
    "inpaint",
    "inpaint without words",
)


@pytest.fixture
def edited(tti, given, tmp_path):
    def paint(name):
        work, settings = edits(tti, given)[name]
        painted = finish(work)
        files = save_painted(painted, tti.model, settings, tmp_path / "out", sheet=painted[0].image)
        return [one.file for one in files]

    return paint


def test_every_edit_is_tried_here():
    assert {name.split()[0] for name in EXAMPLES} == set(EDITS)


@pytest.mark.slow
@pytest.mark.parametrize("name", EXAMPLES)
def test_an_edit_comes_back_to_the_bit(tti, given, edited, name, tmp_path):
    picture, mask, *_ = given
    files = edited(name)
    for file in files:
        found = again(file, tti, sources=[picture], mask=mask)
        assert found.equal, found.comparison
    assert found.save(tmp_path / "again.png").read_bytes() == files[-1].read_bytes()


@pytest.mark.slow
def test_what_was_edited_has_to_be_given_and_to_be_it(tti, given, edited, tmp_path):
    picture, mask, *_ = given
    file, other = edited("inpaint")[0], tmp_path / "other.png"
    with pytest.raises(MissingInput, match="--source"):
        again(file, tti)
    with pytest.raises(MissingInput, match="--mask"):
        again(file, tti, sources=[picture])
    Image.fromarray(255 - np.asarray(Image.open(picture))).save(other)
    with pytest.raises(DataError, match=r"other\.png is not what"):
        again(file, tti, sources=[other], mask=mask)
    assert again(file, tti, sources=[other, picture], mask=mask).equal
    Image.new("L", (28, 28), 255).save(other)
    with pytest.raises(DataError, match="the mask is not that"):
        again(file, tti, sources=[picture], mask=other)


@pytest.mark.slow
def test_prompts_alone_need_no_source(tti, edited):
    assert all(again(file, tti).equal for file in edited("interpolate of prompts"))


@pytest.mark.slow
def test_a_guided_picture_comes_back_under_its_guide(tti, tmp_path, told):
    settings = tti.settings(
        n=2,
        steps=3,
        clip_guidance=1.0,
        clip_guide="digits",
        clip_views=2,
        clip_travel=1,
        unconditional=True,
    )
    files = finish(paint_files(tti, ["six"], settings, tmp_path / "out"))
    assert again(files[1].file, tti).equal
    assert not again(told(files[1].file, clip_guidance=0.5), tti).equal
    elsewhere = told(files[1].file, clip_guide="my-guide")
    with pytest.raises(MissingInput) as refused:
        again(elsewhere, tti)
    assert refused.value.param == "clip_guide"
    assert again(elsewhere, tti, clip_guide="digits").equal


def test_the_place_of_a_guide_is_not_recorded(tti, tmp_path):
    settings = tti.settings(n=1, steps=1, clip_guidance=1.0, clip_guide="/home/someone/guide")
    tti.add_guide("/home/someone/guide", tti.guide())
    (one,) = finish(paint_files(tti, ["six"], settings, tmp_path / "out"))
    assert read_parameters(one.file)["clip_guide"] == "guide"


def test_what_the_model_cannot_paint_is_the_fault_of_the_file(tti, told):
    lie = {
        "mode": "blend",
        "parts": ["a six", "a six"],
        "weights": [1.0, -1.0],
        "source_digests": [None, None],
    }
    with pytest.raises(DataError, match="cannot be painted again"):
        again(told(**lie), tti)
