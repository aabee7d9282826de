import io
import tarfile

import pytest
from PIL import Image

from ddpm_clip.data.pictures import formats
from ddpm_clip.data.pictures.left_out import MOST_TYPES, LeftOut, left_out_of, warn_of_left_out
from ddpm_clip.data.pictures.pixels import BadFile
from ddpm_clip.data.sources import open_source
from ddpm_clip.data.subset import limit
from ddpm_clip.errors import DdpmClipWarning


@pytest.fixture
def phone(tmp_path, monkeypatch):
    """A phone's folder where nothing decodes HEIC: 3 JPEG, 2 HEIC, a video, a note, a caption."""
    monkeypatch.setattr(formats, "SUFFIXES", formats.ALWAYS)
    folder = tmp_path / "phone"
    folder.mkdir()
    for k in range(3):
        Image.new("RGB", (8, 8), (80 * k, 0, 0)).save(folder / f"{k}.jpg")
    for name in ("1.HEIC", "2.heic", "clip.MOV", "notes.json", "0.txt", "other.txt", "README"):
        (folder / name).write_bytes(b"x")
    return folder


def test_what_is_left_out_of_a_folder_is_counted_by_type_with_the_way_to_read_it(phone):
    lines = left_out_of(open_source(phone)).lines()
    assert lines[0] == '2 heic (pip install "ddpm-clip[heif]" reads them)'
    assert lines[1].startswith("1 mov (take pictures out of them")
    assert lines[2:] == ["1 json, 1 txt, 1 without a suffix (no pictures)"]  # 0.txt is a caption


def test_a_subset_and_a_warning_say_the_same(phone):
    source = limit(open_source(phone), 2)
    with pytest.warns(DdpmClipWarning, match=r"left out of /.*phone: 2 heic .*; 1 mov .*;"):
        warn_of_left_out(source)


def test_links_to_folders_are_counted(phone):
    (phone / "linked").symlink_to(phone.parent, target_is_directory=True)
    assert "1 linked folder (links are not followed)" in left_out_of(open_source(phone)).lines()


def test_members_of_a_tar_are_counted_too(tmp_path, phone):
    with tarfile.open(tmp_path / "shard.tar", "w") as tar:
        for path in sorted(phone.iterdir()):
            tar.add(path, path.name)
    found = left_out_of(open_source(tmp_path / "shard.tar"))
    assert found.types == {"heic": 2, "mov": 1, "without a suffix": 1}


def test_a_compressed_tar_counts_as_it_is_read(tmp_path, phone):
    with tarfile.open(tmp_path / "shard.tar.gz", "w:gz") as tar:
        for path in sorted(phone.iterdir()):
            tar.add(path, path.name)
    stream = limit(open_source(f"wds:{tmp_path / 'shard.tar.gz'}"), 4)
    assert left_out_of(stream).files == 0
    assert stream[2].size == (8, 8)
    assert left_out_of(stream).types["heic"] == 2


def test_a_million_made_up_types_take_no_memory():
    found = LeftOut()
    for k in range(5 * MOST_TYPES):
        found.add(f"a.x{k}")
    found.add("a." + "y" * 500)
    assert len(found.types) <= MOST_TYPES + 1
    assert found.files == 5 * MOST_TYPES + 1
    assert len(found.lines()[0]) < 300


def test_every_way_names_a_type_that_is_no_picture_here():
    assert set(formats.ALWAYS) & {f".{kind}" for kind in formats.WAYS} == set()
    assert {".heic", ".avif", ".jxl", ".jp2", ".tga", ".ico", ".ppm", ".mp4", ".zip"} <= {
        f".{kind}" for kind in formats.WAYS
    }


@pytest.mark.parametrize(
    ("reason", "detail", "said"),
    [
        ("truncated", "5 bytes not processed", "a.jpg: it ends too early (5 bytes not processed)"),
        ("truncated", "it ends too early", "a.jpg: it ends too early"),
        ("empty", "it has no bytes", "a.jpg: it has no bytes"),
        ("from a plug-in", "", "a.jpg: from a plug-in"),
    ],
)
def test_no_reason_is_said_twice(reason, detail, said):
    assert str(BadFile("a.jpg", reason, detail)) == said


def test_a_truncated_picture_does_not_stutter(tmp_path):
    out = io.BytesIO()
    Image.effect_noise((64, 64), 80).save(out, "JPEG")
    (tmp_path / "bad.jpg").write_bytes(out.getvalue()[:-200])
    source = open_source(tmp_path)
    with pytest.raises(Exception, match="ends too early") as caught:
        source[0]
    assert str(BadFile.of("bad.jpg", caught.value)).lower().count("truncated") == 0
