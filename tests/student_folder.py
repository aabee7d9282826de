"""A student's folder of the course, as `course start` makes it."""

from pathlib import Path


def started(tmp_path: Path, monkeypatch, cli) -> Path:
    """Make the folder and go there; the scripts are the student's files in it."""
    monkeypatch.chdir(tmp_path)
    ended = cli("course", "start")
    assert ended.code == 0
    folder = tmp_path / "ddpm-clip-course"
    monkeypatch.chdir(folder)
    for path in folder.glob("*.ipynb"):
        path.unlink()
    return folder
