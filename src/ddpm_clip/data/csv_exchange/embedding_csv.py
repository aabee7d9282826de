"""Embeddings as CSV, a row a picture: its path, then its numbers. No header is written.

The format for exchange with other programs; the cache (`embeddings`) is smaller and faster.
Every malformed row is an error with its line number. Knows nothing of encoders.
"""

import csv
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import BinaryIO

import torch
from torch import Tensor

from ddpm_clip.data.storage.atomic import replacing
from ddpm_clip.errors import DataError, MissingInput
from ddpm_clip.utils.untrusted import is_file

MAX_LINE = 2**20
"""Bytes of a line: 4,096 numbers of twenty digits, and a path."""


@dataclass(frozen=True, slots=True)
class EmbeddingTable:
    """What a CSV holds: keys (n,), unique, and embeddings (n, e) float32 beside them."""

    keys: list[str]
    embeddings: Tensor


def write_csv(path: str | Path, keys: Sequence[str], embeddings: Tensor) -> None:
    """Write embeddings (n, e) in one step; nine digits, so that float32 survives.

    Raises:
        DataError: lengths differ, or a row could not be read back. StorageError: cannot write.
    """
    if embeddings.ndim != 2 or len(keys) != len(embeddings):
        raise DataError(f"{len(keys)} keys do not fit embeddings {tuple(embeddings.shape)}")
    if len(set(keys)) < len(keys):
        raise DataError(f"cannot write {path}", "a key stands for two pictures")
    with replacing(Path(path)) as temporary, open(temporary, "wb") as file:
        for i in range(0, len(keys), 4096):
            file.write(csv_lines(keys[i : i + 4096], embeddings[i : i + 4096]))


def csv_lines(keys: Sequence[str], embeddings: Tensor) -> bytes:
    """The rows of a CSV, UTF-8.

    Raises:
        DataError: a key that is empty or not valid text, or a number that is not finite.
    """
    if not bool(embeddings.isfinite().all()) or not all(key.strip() for key in keys):
        raise DataError(
            "cannot write embeddings as CSV", "a number is not finite or a key is empty"
        )
    lines = []
    for key, row in zip(keys, embeddings.detach().float().cpu().tolist(), strict=True):
        try:
            lines.append(",".join([_quoted(key), *(f"{value:.9g}" for value in row)]).encode())
        except UnicodeEncodeError as error:
            raise DataError(
                f"{key!r} cannot stand in a CSV", "the file's name is not UTF-8", "rename it"
            ) from error
    return b"".join(line + b"\n" for line in lines)


def read_csv(path: str | Path) -> EmbeddingTable:
    """Read embeddings, with or without a header row.

    Raises:
        MissingInput: no such file.
        DataError: not UTF-8, no rows, or a malformed row; names the line.
    """
    path = Path(path)
    if not is_file(path):
        raise MissingInput(
            f"no CSV at {str(path)[:200]}", fix="write one: ddpm-clip embed SOURCE --output FILE"
        )
    lines: dict[str, int] = {}
    numbers = array("f")
    for i, (line, row) in enumerate(_rows(path)):
        if i == 0 and _is_header(row):
            continue
        key, values = _checked(path, line, row)
        if key in lines:
            raise _bad(path, line, f"{key!r} stands in line {lines[key]} already")
        if lines and len(values) * len(lines) != len(numbers):
            raise _bad(path, line, f"{len(values)} numbers, {len(numbers) // len(lines)} above")
        lines[key] = line
        numbers.extend(values)
    if not lines:
        raise DataError(f"{path} holds no embeddings", "a row is: path,number,number,…")
    matrix = torch.frombuffer(numbers, dtype=torch.float32).clone().view(len(lines), -1)
    finite = matrix.isfinite().all(dim=1)
    if not bool(finite.all()):
        line = list(lines.values())[int((~finite).nonzero()[0])]
        raise _bad(path, line, "a number is nan or infinite")
    return EmbeddingTable(list(lines), matrix)


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The non-empty rows, each with the number of its last line."""
    with open(path, "rb") as file:
        reader = csv.reader(_text(path, file))
        try:
            for row in reader:
                if row:
                    yield reader.line_num, row
        except csv.Error as error:
            raise _bad(path, reader.line_num, str(error)) from error


def _text(path: Path, file: BinaryIO) -> Iterator[str]:
    for number in count(1):
        line = file.readline(MAX_LINE + 1)
        if not line:
            return
        if len(line) > MAX_LINE:
            raise _bad(path, number, f"it has more than {MAX_LINE:,} bytes")
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise _bad(path, number, "it is not UTF-8 text") from error


def _is_header(row: list[str]) -> bool:
    """A first row of names; a spoilt row of numbers is no header."""
    if row[0].strip().casefold() in ("path", "image", "image_path", "img_path", "file", "key"):
        return True
    names = [cell.strip()[:1].isalpha() and not _is_number(cell) for cell in row[1:]]
    return bool(names) and all(names)


def _is_number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True


def _checked(path: Path, line: int, row: list[str]) -> tuple[str, list[float]]:
    key, values = row[0], row[1:]
    if not key.strip():
        raise _bad(path, line, "the path is empty")
    if not values:
        raise _bad(path, line, "there are no numbers after the path")
    try:
        return key, [float(value) for value in values]
    except ValueError:
        spoilt = next(i for i, value in enumerate(values) if not _is_number(value))
        raise _bad(
            path, line, f"column {spoilt + 2} is no number: {values[spoilt][:40]!r}"
        ) from None


def _quoted(key: str) -> str:
    if any(mark in key for mark in ',"\r\n') or key != key.strip():
        return '"' + key.replace('"', '""') + '"'
    return key


def _bad(path: Path, line: int, why: str) -> DataError:
    return DataError(f"malformed row in {path}, line {line}", why, "mend the row or delete it")
