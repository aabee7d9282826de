"""Pictures are written as they are finished; a stopped call goes on with the missing ones."""

import json
import os
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ddpm_clip import TextToImage
from ddpm_clip.errors import CannotCreate
from ddpm_clip.generation import call_folder, picture_folder
from ddpm_clip.generation.call_folder import CallFolder
from ddpm_clip.generation.files import paint_files, sheet_of
from ddpm_clip.generation.picture_folder import PictureFolder, write
from ddpm_clip.generation.request import Painted, requests_for
from ddpm_clip.utils.generators import finish


@pytest.fixture(scope="module")
def digits():
    return TextToImage.from_pretrained("digits", "cpu")


@pytest.fixture
def settings(digits):
    return digits.settings(n=3, steps=2, batch=2)


PROMPTS = ["six", "nine"]


def stopped(digits, settings, out, after, **more):
    """Paint until so many pictures are on disk; the progress of the last step."""
    work = paint_files(digits, PROMPTS, settings, out, **more)
    while True:
        at = next(work)
        if len(contents(out)) >= after:
            work.close()
            return at


def contents(folder):
    return {p.name: p.read_bytes() for p in Path(folder).glob("*.png") if p.name != "grid.png"}


def marks(folder):
    return [path.name for path in Path(folder).glob("unfinished-*")]


def counted(digits, monkeypatch):
    """The numbers of pictures of the batches that are painted from now on."""
    seen, plain = [], TextToImage._walk

    def walk(self, requests, *given):
        seen.append([request.index for request in requests])
        return plain(self, requests, *given)

    monkeypatch.setattr(TextToImage, "_walk", walk)
    return seen


@pytest.mark.slow
def test_a_stopped_call_keeps_each_batch_and_goes_on_with_the_missing_ones(
    digits, settings, tmp_path, monkeypatch
):
    whole = finish(paint_files(digits, PROMPTS, settings, tmp_path / "whole"))
    assert marks(tmp_path / "whole") == []
    at = stopped(digits, settings, tmp_path / "out", 2)
    assert (at.done, at.total) == (3, 6)
    assert len(contents(tmp_path / "out")) == 2
    assert len(marks(tmp_path / "out")) == 1
    assert not (tmp_path / "out" / "grid.png").exists()
    painted = counted(digits, monkeypatch)
    done = [at.done for at in paint_files(digits, PROMPTS, settings, tmp_path / "out")]
    assert painted == [[2, 3], [4, 5]]
    assert done == [2, 3, 4, 5, 6]
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")
    grids = [(tmp_path / name / "grid.png").read_bytes() for name in ("whole", "out")]
    assert grids[0] == grids[1]
    assert marks(tmp_path / "out") == []
    assert [one.file.name for one in whole] == sorted(contents(tmp_path / "out"))


@pytest.mark.slow
def test_a_finished_call_is_painted_again_and_a_stopped_one_only_with_the_same_settings(
    digits, settings, tmp_path, monkeypatch
):
    stopped(digits, settings, tmp_path, 2)
    painted = counted(digits, monkeypatch)
    finish(paint_files(digits, PROMPTS, replace(settings, seed=9), tmp_path))
    assert painted == [[0, 1], [2, 3], [4, 5]]
    assert len(contents(tmp_path)) == 2 + 6
    assert len(marks(tmp_path)) == 1, "the first call can still go on"
    painted.clear()
    with pytest.warns(UserWarning, match=r"grid\.png holds another picture"):
        finish(paint_files(digits, PROMPTS, settings, tmp_path))
    assert painted == [[2, 3], [4, 5]]
    painted.clear()
    finish(paint_files(digits, PROMPTS, replace(settings, seed=9), tmp_path))
    assert painted == [[0, 1], [2, 3], [4, 5]]


@pytest.mark.slow
@pytest.mark.parametrize("how", ["cut", "another", "removed"])
def test_a_picture_that_is_not_what_was_painted_is_painted_again(
    digits, settings, tmp_path, monkeypatch, how
):
    stopped(digits, settings, tmp_path, 2)
    path = sorted(tmp_path.glob("000001-*.png"))[0]
    if how == "cut":
        path.write_bytes(path.read_bytes()[:-40])
    elif how == "another":
        Image.new("L", (28, 28), 99).save(path)
    else:
        path.unlink()
    painted = counted(digits, monkeypatch)
    work = paint_files(digits, PROMPTS, settings, tmp_path)
    if how == "removed":
        finish(work)
    else:
        with pytest.warns(UserWarning, match="holds another picture"):
            finish(work)
    assert painted[0] == [0, 1]
    assert len(painted) == 3


@pytest.mark.slow
def test_without_metadata_it_goes_on_too_but_never_with_pictures_that_have_some(
    digits, settings, tmp_path, monkeypatch
):
    stopped(digits, settings, tmp_path, 2, metadata=False)
    painted = counted(digits, monkeypatch)
    finish(paint_files(digits, PROMPTS, settings, tmp_path / "other"))
    assert len(painted) == 3
    painted.clear()
    finish(paint_files(digits, PROMPTS, settings, tmp_path, metadata=False))
    assert painted == [[2, 3], [4, 5]]


@pytest.mark.slow
def test_a_gif_needs_all_steps_so_nothing_is_skipped(digits, settings, tmp_path, monkeypatch):
    stopped(digits, settings, tmp_path, 2)
    painted = counted(digits, monkeypatch)
    finish(paint_files(digits, PROMPTS, settings, tmp_path, gif=True))
    assert len(painted) == 3
    assert (tmp_path / "generation.gif").is_file()


@pytest.mark.slow
def test_nothing_is_on_disk_before_the_first_batch_is_finished(digits, settings, tmp_path):
    work = paint_files(digits, PROMPTS, settings, tmp_path / "out")
    next(work)
    work.close()
    assert not (tmp_path / "out").exists()


def test_memory_does_not_grow_with_the_number_of_pictures(digits, settings, monkeypatch, tmp_path):
    monkeypatch.setattr(picture_folder, "SHEET_PIXELS", 40 * 28 * 28)
    how = replace(settings, n=100, batch=10)
    folder = PictureFolder(tmp_path, digits.model, how)
    requests = requests_for("six", how)
    folder.begin(requests)
    needed = []
    for number in range(10):
        batch = requests[10 * number : 10 * number + 10]
        image = Image.new("L", (28, 28), number)
        needed += folder.keep([Painted(image, one, number, 0, 10, (2, 2)) for one in batch])
    assert len(needed) == 40
    assert len(folder.files) == 100
    sheet = sheet_of(needed, how)
    assert 6 * 28 < sheet.size[1] < sheet.size[0] < 10 * 28 * 7, "six rows of seven"
    with pytest.warns(UserWarning, match="100 pictures are too many for one grid"):
        folder.finish(sheet)


@pytest.mark.slow
def test_frames_for_the_animation_are_bounded_as_well(digits, settings, monkeypatch, tmp_path):
    monkeypatch.setattr(picture_folder, "FRAME_BYTES", 2 * 2 * 28 * 28)
    with pytest.warns(UserWarning, match="only the first"):
        finish(paint_files(digits, PROMPTS, settings, tmp_path, gif=True))
    with Image.open(tmp_path / "generation.gif") as gif:
        assert gif.size[0] < 3 * 28 + 20


def test_many_pictures_of_several_prompts_stay_in_rows(digits, settings):
    def painted(n):
        how = replace(settings, n=n)
        image = Image.new("L", (28, 28))
        return sheet_of(
            [Painted(image, one, 0, 0, 1, (2, 2)) for one in requests_for(PROMPTS, how)], how
        ).size

    assert painted(12)[0] > 2 * painted(5)[0]


def test_a_file_is_there_as_a_whole_or_not_at_all(tmp_path, monkeypatch):
    def broken(*_):
        raise OSError("the disk is full")

    monkeypatch.setattr(os, "replace", broken)
    with pytest.raises(CannotCreate, match="cannot write"):
        write(tmp_path / "a.png", b"whole")
    assert list(tmp_path.iterdir()) == []


def test_each_call_gets_a_folder_and_the_last_one_is_linked(tmp_path):
    home = CallFolder(tmp_path / "outputs", "generate")
    first, second = home.fresh(), home.fresh()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d-\d{6}-generate", first.name)
    assert first != second
    assert (tmp_path / "outputs" / "latest").resolve() == second.resolve()
    assert os.readlink(tmp_path / "outputs" / "latest") == second.name, "it can be moved"
    assert sorted(p.name for p in home.home.iterdir()) == sorted(
        [first.name, second.name, "latest"]
    )


@pytest.mark.parametrize("there", ["", "folder"])
def test_where_no_link_can_be_made_a_text_file_names_the_last_one(tmp_path, monkeypatch, there):
    def no_links(*_, **__):
        raise OSError("a required privilege is not held by the client")

    home = CallFolder(tmp_path, "vary")
    if there:
        (tmp_path / "latest" / "mine").mkdir(parents=True)
    else:
        monkeypatch.setattr(call_folder.os, "symlink", no_links)
    folder = home.fresh()
    assert (tmp_path / "latest.txt").read_text() == f"{folder.name}\n"
    assert (tmp_path / "latest").exists() == bool(there)


@pytest.mark.slow
def test_a_call_without_a_folder_finds_its_own_again(digits, settings, tmp_path, monkeypatch):
    home = CallFolder(tmp_path, "generate")
    place = PictureFolder(home, digits.model, settings)
    work = paint_files(digits, PROMPTS, settings, place)
    while not place.files:
        next(work)
    work.close()
    begun = place.folder
    other = PictureFolder(CallFolder(tmp_path, "vary"), digits.model, settings)
    other.begin(requests_for(PROMPTS, settings))
    assert other.folder is None, "another command"
    painted = counted(digits, monkeypatch)
    again = PictureFolder(home, digits.model, settings)
    files = finish(paint_files(digits, PROMPTS, settings, again))
    assert (again.folder, again.already, len(files)) == (begun, 2, 6)
    assert painted == [[2, 3], [4, 5]]
    third = PictureFolder(home, digits.model, settings)
    finish(paint_files(digits, PROMPTS, settings, third))
    assert third.folder != begun
    assert np.array_equal(*(np.asarray(Image.open(f / "grid.png")) for f in (begun, third.folder)))


def test_the_mark_says_how_many_pictures_there_should_be(digits, settings, tmp_path):
    stopped(digits, settings, tmp_path, 2)
    (mark,) = marks(tmp_path)
    assert json.loads((tmp_path / mark).read_text()) == {"pictures": 6}
