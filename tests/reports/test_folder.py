"""A report is never lost unasked, and each of its files is whole or not there."""

import pytest

from ddpm_clip.errors import CannotCreate
from ddpm_clip.reports import folder
from ddpm_clip.reports.folder import check_folder, write_files


def test_a_folder_is_made_and_an_earlier_report_is_replaced_only_when_asked(tmp_path):
    out = tmp_path / "deep" / "report"
    check_folder(out, ["a.json", "b.html"])
    assert out.is_dir()
    (out / "notes.txt").write_text("mine")
    check_folder(out, ["a.json", "b.html"])
    (out / "b.html").write_text("old")
    with pytest.raises(CannotCreate, match="holds a report") as refused:
        check_folder(out, ["a.json", "b.html"])
    assert (refused.value.why, refused.value.param) == ("b.html exists", "out")
    check_folder(out, ["a.json", "b.html"], overwrite=True)
    assert (out / "b.html").read_text() == "old"


def test_files_are_written_in_their_order_and_what_is_none_goes(tmp_path):
    (tmp_path / "old.png").write_bytes(b"old")
    written = write_files(tmp_path, {"a.png": b"\x89", "old.png": None, "b.json": "{“ü”}"})
    assert [path.name for path in written] == ["a.png", "b.json"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "b.json"]
    assert (tmp_path / "b.json").read_text(encoding="utf-8") == "{“ü”}"


def test_a_file_that_cannot_be_written_leaves_the_old_one_and_no_last_one(tmp_path, monkeypatch):
    whole = folder.write_bytes

    def full(path, data):
        if path.name == "b":
            raise OSError(28, "No space left on device")
        whole(path, data)

    (tmp_path / "b").write_text("old")
    monkeypatch.setattr(folder, "write_bytes", full)
    with pytest.raises(CannotCreate, match="cannot write into") as refused:
        write_files(tmp_path, {"a": "1", "b": "2", "c.json": "3"})
    assert "No space left" in refused.value.why
    assert (tmp_path / "b").read_text() == "old"
    assert not (tmp_path / "c.json").exists()


def test_a_folder_below_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotCreate, match="cannot write into"):
        check_folder(tmp_path / "file" / "report", [])
