"""Reads and writes embeddings as CSV, one row per picture: its path, then its numbers.

This is the format for exchange with other programs; the embedding cache is smaller and faster. No
header is written. Every malformed row is an error with its line number.
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
"""Most bytes of a line: enough for 4,096 numbers of twenty digits and a path."""


@dataclass(frozen=True, slots=True)
class EmbeddingTable:
    """The contents of a CSV: n unique keys and their embeddings (n, e) float32."""

    keys: list[str]
    embeddings: Tensor


def write_csv(path: str | Path, keys: Sequence[str], embeddings: Tensor) -> None:
    """Write embeddings (n, e) in one step, with nine digits, which keeps float32 exact.

    Raises:
        DataError: Lengths differ, or a row could not be read back.
        StorageError: Writing failed.
    """
    if embeddings.ndim != 2 or len(keys) != len(embeddings):
        raise DataError(f"{len(keys)} keys do not fit embeddings {tuple(embeddings.shape)}")
    if len(set(keys)) < len(keys):
        raise DataError(f"cannot write {path}", "two pictures have the same key")
    with replacing(Path(path)) as temporary, open(temporary, "wb") as file:
        for i in range(0, len(keys), 4096):
            file.write(csv_lines(keys[i : i + 4096], embeddings[i : i + 4096]))


def csv_lines(keys: Sequence[str], embeddings: Tensor) -> bytes:
    """Return the rows of a CSV, in UTF-8.

    Raises:
        DataError: A key is empty or not valid text, or a number is NaN or infinite.
    """
    if not bool(embeddings.isfinite().all()) or not all(key.strip() for key in keys):
        raise DataError(
            "cannot write embeddings as CSV", "a number is NaN or infinite, or a key is empty"
        )
    lines = []
    for key, row in zip(keys, embeddings.detach().float().cpu().tolist(), strict=True):
        try:
            lines.append(",".join([_quoted(key), *(f"{value:.9g}" for value in row)]).encode())
        except UnicodeEncodeError as error:
            raise DataError(
                f"{key!r} cannot be written to a CSV",
                "the name of the file is not UTF-8",
                "rename the file",
            ) from error
    return b"".join(line + b"\n" for line in lines)


def read_csv(path: str | Path) -> EmbeddingTable:
    """Read embeddings, with or without a header row.

    Raises:
        MissingInput: There is no such file.
        DataError: The file is not UTF-8, has no rows, or has a malformed row, whose line the
            message names.
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
            raise _bad(path, line, f"{key!r} is in line {lines[key]} already")
        if lines and len(values) * len(lines) != len(numbers):
            above = len(numbers) // len(lines)
            raise _bad(path, line, f"it has {len(values)} numbers, the rows above have {above}")
        lines[key] = line
        numbers.extend(values)
    if not lines:
        raise DataError(f"{path} has no embeddings", "a row is: path,number,number,…")
    matrix = torch.frombuffer(numbers, dtype=torch.float32).clone().view(len(lines), -1)
    finite = matrix.isfinite().all(dim=1)
    if not bool(finite.all()):
        line = list(lines.values())[int((~finite).nonzero()[0])]
        raise _bad(path, line, "a number is NaN or infinite")
    return EmbeddingTable(list(lines), matrix)


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the non-empty rows, each with the number of its last line."""
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
    """Whether the first row holds column names; a malformed row of numbers is not a header."""
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
        wrong = next(i for i, value in enumerate(values) if not _is_number(value))
        raise _bad(
            path, line, f"column {wrong + 2} is not a number: {values[wrong][:40]!r}"
        ) from None


def _quoted(key: str) -> str:
    if any(mark in key for mark in ',"\r\n') or key != key.strip():
        return '"' + key.replace('"', '""') + '"'
    return key


def _bad(path: Path, line: int, why: str) -> DataError:
    return DataError(f"malformed row in {path}, line {line}", why, "correct or delete the row")
