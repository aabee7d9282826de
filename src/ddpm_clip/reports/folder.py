"""The folder of a report: refused where it holds one already, each file whole or not at all."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from ddpm_clip.errors import CannotCreate
from ddpm_clip.utils.storage import write_bytes


def check_folder(out: Path, names: Iterable[str], overwrite: bool = False) -> None:
    """Make the folder, so that a mistake is reported before minutes of work.

    Args:
        out: the folder.
        names: files of which any may be replaced only with `overwrite`.
        overwrite: replace an earlier report.

    Raises:
        CannotCreate: it cannot be made, or holds a report that may not be replaced.
    """
    there = [name for name in names if (out / name).exists()]
    if there and not overwrite:
        raise CannotCreate(
            f"{out} holds a report",
            f"{there[0]} is there",
            "choose another --out, or --overwrite",
            param="out",
        )
    write_files(out, {})


def write_files(out: Path, files: Mapping[str, str | bytes | None]) -> list[Path]:
    """Write files by name in this order, so that where the last is the others are; their paths.

    A file that is None is removed: an earlier report left it.

    Raises:
        CannotCreate: the folder cannot be made, or nothing can be written there.
    """
    written = []
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            if data is None:
                (out / name).unlink(missing_ok=True)
                continue
            write_bytes(out / name, data.encode() if isinstance(data, str) else data)
            written.append(out / name)
    except OSError as error:
        raise CannotCreate(
            f"cannot write into {out}", str(error), "choose another --out", param="out"
        ) from error
    return written
