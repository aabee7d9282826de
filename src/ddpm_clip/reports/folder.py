"""The folder of a report: an earlier report is kept unless asked, files are written atomically."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from ddpm_clip.errors import CannotCreate
from ddpm_clip.utils.storage import write_bytes


def check_folder(out: Path, names: Iterable[str], overwrite: bool = False) -> None:
    """Make the folder, so that a mistake is reported before minutes of work.

    Args:
        out: the folder.
        names: files that are replaced only with `overwrite`.
        overwrite: replace an earlier report.

    Raises:
        CannotCreate: the folder cannot be made, or holds a report and `overwrite` is not set.
    """
    present = [name for name in names if (out / name).exists()]
    if present and not overwrite:
        raise CannotCreate(
            f"{out} holds a report",
            f"{present[0]} exists",
            "choose another --out, or --overwrite",
            param="out",
        )
    write_files(out, {})


def write_files(out: Path, files: Mapping[str, str | bytes | None]) -> list[Path]:
    """Write files in this order and return their paths; if the last exists, so do the others.

    A file whose content is None is removed: it belongs to an earlier report.

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
