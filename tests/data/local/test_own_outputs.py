import io
import json
import os

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from ddpm_clip.data.local.own_outputs import picture_kind
from ddpm_clip.data.pictures.left_out import PAINTED, RUNS, SHEETS, left_out_of
from ddpm_clip.data.sources import open_source
from ddpm_clip.errors import DataError
from ddpm_clip.utils.visualization import encoded_gif, encoded_png, save_gif, save_png

RED, BLUE = (Image.new("RGB", (8, 8), colour) for colour in ("red", "blue"))


def put(path, shade=100):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8), (shade, 0, 0)).save(path, "PNG")


def painted(path, key="ddpm_clip", before=""):
    texts = PngInfo()
    texts.add_itxt("parameters", before)
    texts.add_itxt(key, json.dumps({"prompt": "a rose"}))
    path.parent.mkdir(parents=True, exist_ok=True)
    RED.save(path, "PNG", pnginfo=texts)


def keys(source):
    return [source.key(i) for i in range(len(source))]


def test_runs_models_sheets_and_painted_pictures_are_no_pictures_of_a_folder(tmp_path):
    put(tmp_path / "rose" / "a.png")
    put(tmp_path / "zebra.png")
    put(tmp_path / "run" / "samples" / "deep" / "loss.png")
    (tmp_path / "run" / "run.json").write_text('{"format": 1, "ddpm_clip": "0.1.0"}')
    put(tmp_path / "model" / "x.png")
    facts = {"format": 1, "ddpm_clip": "0.1.0", "config": {}}
    (tmp_path / "model" / "config.json").write_text(json.dumps(facts))
    painted(tmp_path / "outputs" / "0.png")
    save_png(BLUE, tmp_path / "outputs" / "grid.png")
    save_gif([RED, BLUE], tmp_path / "outputs" / "generation.gif")
    source = open_source(tmp_path)
    assert keys(source) == ["zebra.png", "rose/a.png"]
    assert source.classes == ("rose",)
    assert left_out_of(source).own == {RUNS: 1, "packed models": 1, PAINTED: 1, SHEETS: 2}
    (line,) = left_out_of(source).lines()
    assert line.endswith("(made by ddpm-clip itself)")


def test_what_only_looks_like_ours_is_the_users_own(tmp_path):
    put(tmp_path / "run" / "samples.png")
    (tmp_path / "run" / "run.json").write_text('{"format": "5k", "distance": 5}')
    (tmp_path / "run" / "config.json").write_text("{")
    put(tmp_path / "grid.png")
    painted(tmp_path / "other.png", key="other_program")
    save = PngInfo()
    save.add_text("Software", "ddpm_clip_viewer")
    RED.save(tmp_path / "viewer.png", pnginfo=save)
    assert keys(open_source(tmp_path)) == ["grid.png", "other.png", "viewer.png", "run/samples.png"]


def test_a_folder_of_nothing_but_painted_pictures_can_be_read(tmp_path):
    for k in range(3):
        painted(tmp_path / f"{k}.png")
    save_png(RED, tmp_path / "grid.png")
    source = open_source(tmp_path)
    assert len(source) == 3
    assert left_out_of(source).own == {SHEETS: 1, PAINTED: 0}
    (tmp_path / "4.png").write_bytes(b"")
    assert keys(open_source(tmp_path)) == ["4.png"]


def test_a_run_given_as_pictures_says_what_it_holds(tmp_path):
    (tmp_path / "run.json").write_text('{"format": 1, "ddpm_clip": "0.1.0"}')
    save_png(RED, tmp_path / "samples" / "step-1.png")
    with pytest.raises(DataError, match=r"1 sheet or figure .made by ddpm-clip itself"):
        open_source(tmp_path)


@pytest.mark.parametrize("before", ["", "a rose " * 2000], ids=["short", "a long prompt"])
def test_parameters_are_found_behind_other_texts(tmp_path, before):
    painted(tmp_path / "a.png", before=before)
    with open(tmp_path / "a.png", "rb") as file:
        assert picture_kind(file) == PAINTED


@pytest.mark.parametrize("size", [0, 4, 8, 20, 33, 45])
def test_half_a_file_is_none_of_ours_and_no_error(size):
    assert picture_kind(io.BytesIO(encoded_png(RED)[:size])) is None
    assert picture_kind(io.BytesIO(encoded_gif([RED, BLUE])[:size])) is None


def test_a_chunk_that_claims_gigabytes_is_not_read():
    data = encoded_png(RED)
    claims = data[:33] + b"\xff\xff\xff\xfftEXt" + data[41:]
    assert picture_kind(io.BytesIO(claims)) is None


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes on this system")
def test_a_pipe_named_like_a_picture_does_not_block_the_listing(tmp_path):
    put(tmp_path / "a.png")
    os.mkfifo(tmp_path / "b.png")
    assert keys(open_source(tmp_path)) == ["a.png", "b.png"]
