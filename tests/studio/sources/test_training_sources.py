"""Pictures to train on: below the roots, and nothing else; uploads by their pixels only."""

import io
import os
import zipfile

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from ddpm_clip.data.pictures.images import BadImage
from ddpm_clip.errors import Busy, DataError, MissingInput, StorageError
from ddpm_clip.studio.sources.opening import Sources
from ddpm_clip.studio.sources.roots import Roots
from ddpm_clip.studio.sources.uploads import Quota, Uploads


def png(size=(12, 10), text=""):
    info, buffer = PngInfo(), io.BytesIO()
    info.add_text("Comment", text)
    Image.new("RGB", size, (9, 8, 7)).save(buffer, "PNG", pnginfo=info)
    return buffer.getvalue()


def zipped(path, members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


@pytest.fixture
def uploads(tmp_path) -> Uploads:
    return Uploads(tmp_path / "uploads", Quota(pictures=5, all_bytes=20_000))


@pytest.fixture
def photos(tmp_path):
    root = tmp_path / "photos"
    for place in ("dark", "light/old", ".hidden"):
        (root / place).mkdir(parents=True)
        (root / place / "a.png").write_bytes(png())
    (root / "light" / "b.jpg").write_bytes(b"x")
    (root / "notes").mkdir()
    (root / "away").symlink_to(tmp_path)
    zipped(root / "more.zip", {"a.png": png()})
    return root


def test_roots_list_folders_with_pictures_by_name(photos):
    listed = {one.name: (one.pictures, one.kind) for one in Roots([photos]).listed()}
    assert listed == {
        "photos": (3, "folder"),
        "photos/dark": (1, "folder"),
        "photos/light": (2, "folder"),
        "photos/light/old": (1, "folder"),
        "photos/more.zip": (None, "archive"),
        "drawn flowers": (4000, "built-in"),
    }


def test_an_id_opens_what_was_listed_and_stays_the_same(photos):
    roots = Roots([photos])
    ids = {one.name: one.id for one in roots.listed()}
    assert {one.name: one.id for one in roots.listed()} == ids
    assert roots.place(ids["photos/light/old"]) == str(photos.resolve() / "light" / "old")
    assert roots.place(ids["drawn flowers"]) == "drawn-flowers"
    assert roots.place("../" + ids["photos"]) is None


def test_a_folder_that_became_a_link_leads_nowhere(photos, tmp_path):
    """Resolved first, then checked: a prefix of the name proves nothing."""
    roots = Roots([photos])
    (dark,) = (one.id for one in roots.listed() if one.name == "photos/dark")
    elsewhere = tmp_path / "photos-of-others"  # its name begins like the root's
    (photos / "dark").rename(elsewhere)
    os.symlink(elsewhere, photos / "dark")
    with pytest.raises(MissingInput, match="not there any more"):
        roots.place(dark)


def test_a_root_that_is_not_there_is_told_at_the_start(tmp_path):
    with pytest.raises(MissingInput, match="--data"):
        Roots([tmp_path / "none"])


@pytest.mark.slow
def test_of_a_zip_only_pixels_are_kept(uploads, tmp_path):
    members = {
        "cats/secret name.png": png(text="private"),
        "../../evil.png": png(),
        "b.png": b"no picture",
        "large.png": png((900, 300)),
        "readme.txt": b"hello",
    }
    zip = zipped(uploads.new_zip(), members)
    told = uploads.unpack(zip)
    assert (told["pictures"], [one["count"] for one in told["left_out"]]) == (3, [1])
    assert not zip.exists()
    folder = uploads.root / told["id"]
    names = sorted(path.name for path in folder.iterdir())
    assert len(names) == 3
    assert all(len(name) == 36 and name.endswith(".png") for name in names)
    for path in folder.iterdir():
        with Image.open(path) as image:
            assert (image.size, image.info) in (((12, 10), {}), ((512, 171), {}))
    assert sorted(path.name for path in tmp_path.rglob("*evil*")) == []
    assert folder.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("data", [b"PK\3\4 broken", b"", b"hello"])
def test_what_is_no_zip_leaves_nothing_behind(uploads, data):
    path = uploads.new_zip()
    path.write_bytes(data)
    with pytest.raises(DataError) as caught:
        uploads.unpack(path)
    assert str(uploads.root) not in str(caught.value)
    assert list(uploads.root.iterdir()) == []


@pytest.mark.slow
def test_a_quota_is_kept(uploads):
    with pytest.raises(StorageError, match="too many"):
        uploads.unpack(zipped(uploads.new_zip(), {f"{i}.png": png() for i in range(6)}))
    noise = io.BytesIO()
    Image.frombytes("RGB", (90, 90), os.urandom(3 * 90 * 90)).save(noise, "PNG")
    with pytest.raises(StorageError, match="no room"):
        uploads.unpack(zipped(uploads.new_zip(), {"a.png": noise.getvalue()}))
    assert list(uploads.root.iterdir()) == []
    assert uploads.add(png()).pictures == 1  # there is room again


def test_few_zips_are_on_their_way_at_once(uploads):
    for _ in range(2):
        uploads.new_zip().touch()
    with pytest.raises(Busy):
        uploads.new_zip()
    assert list(Uploads(uploads.root).root.iterdir()) == []  # after a crash they are gone


def test_one_zip_at_a_time(uploads):
    uploads._unpacking.acquire()
    with pytest.raises(Busy):
        uploads.unpack(zipped(uploads.new_zip(), {"a.png": png()}))
    assert list(uploads.root.iterdir()) == []


@pytest.mark.slow
def test_pictures_one_by_one(uploads):
    first = uploads.add(png())
    assert uploads.add(png(), first.id).pictures == 2
    with pytest.raises(BadImage):
        uploads.add(b"<svg onload=alert(1)>", first.id)
    with pytest.raises(MissingInput):
        uploads.add(png(), "0" * 32)
    uploads.delete(first.id)
    assert uploads.listed() == []


def test_both_kinds_by_one_id(photos, uploads):
    sources = Sources(Roots([photos]), uploads)
    upload = uploads.add(png())
    assert sources.place(upload.id) == str(uploads.root / upload.id)
    assert {sources.name(one.id) for one in sources.listed()} >= {"photos", upload.name}
    with pytest.raises(MissingInput, match="no such source"):
        sources.place("0" * 32)
