"""What a painted file records: each picture's own seed and scale, its bridge, or nothing."""

import json
from pathlib import Path

import pytest
from PIL import Image

from ddpm_clip.data.pictures.png_texts import read_parameters
from ddpm_clip.generation.files import paint_files
from ddpm_clip.generation.parameters import parameters
from ddpm_clip.generation.text_to_image import TextToImage
from ddpm_clip.utils.generators import finish
from tests.tiny_run import tiny_run


@pytest.fixture(scope="module")
def tti(tmp_path_factory):
    run = tiny_run(tmp_path_factory.mktemp("tiny") / "run")
    return TextToImage.from_pretrained(str(run.folder), "cpu")


def painted(tti, out, metadata=True, **settings):
    files = finish(paint_files(tti, "left", tti.settings(**settings), out, metadata=metadata))
    return [file.file for file in files]


def test_each_file_records_its_own_seed_scale_and_place(tti, tmp_path):
    files = painted(tti, tmp_path, n=2, seed=7, guidance=(1.0, 3.0))
    facts = [read_parameters(file) for file in files]
    assert [(one["seed"], one["guidance"], one["w"]) for one in facts] == [
        (7, 1.0, 0.0),
        (8, 1.0, 0.0),
        (7, 3.0, 2.0),
        (8, 3.0, 2.0),
    ]
    assert [one["position"] for one in facts] == [0, 1, 2, 3]
    assert {tuple(one["batch_guidance"]) for one in facts} == {(1.0, 3.0)}
    assert {(one["batch_pictures"], one["batch"]) for one in facts} == {(4, 0)}


@pytest.mark.parametrize(("asked", "recorded"), [(None, "identity"), ("noise", "noise")])
def test_the_bridge_is_recorded_that_was_used_also_if_it_is_the_models_own(
    tti, tmp_path, asked, recorded
):
    (file,) = painted(tti, tmp_path / "one.png", n=1, bridge=asked)
    assert read_parameters(file)["bridge"] == recorded


def test_without_metadata_a_file_holds_no_word_of_the_prompt(tti, tmp_path):
    for metadata in (True, False):
        (file,) = painted(tti, tmp_path / f"{metadata}.png", metadata=metadata, n=1)
        with Image.open(file) as image:
            assert bool(image.text) == metadata
        assert (b"left" in file.read_bytes()) == metadata


def test_of_the_guiding_model_only_the_name_is_recorded(tti):
    settings = tti.settings(n=1, clip_guidance=1.0, clip_guide="/home/someone/secret/flowers")
    (one,) = tti.paint_all("left", tti.settings(n=1))
    facts = parameters(one, tti.model, settings)
    assert facts["clip_guide"] == "flowers"
    assert "someone" not in json.dumps(facts)


def test_another_picture_of_the_same_name_is_kept(tti, tmp_path):
    out = tmp_path / "one.png"
    painted(tti, out, n=1)
    first = out.read_bytes()
    with pytest.warns(UserWarning, match=r"holds another picture; the new one is .*one-2\.png"):
        (other,) = painted(tti, out, n=1, seed=1)
    assert out.read_bytes() == first
    assert other == Path(tmp_path / "one-2.png")
    assert other.read_bytes() != first
    assert painted(tti, out, n=1) == [out], "the same picture again is the same file"
