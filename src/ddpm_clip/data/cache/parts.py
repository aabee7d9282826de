"""Splits one embedding job into independent parts.

Part i of N is a range of whole batches in a folder of its own: a cache, `job.json` (the job it
belongs to) and, when it is done, `done.json` (the content hash of each of its pictures, and which
cannot be used). So parts can run on any machine at any time, and can be killed and run again.
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

from ddpm_clip.data.cache.card import CacheCard
from ddpm_clip.data.pictures.pixels import BadFile
from ddpm_clip.data.storage.atomic import replacing
from ddpm_clip.errors import CannotCreate, MissingInput, StorageError, UsageError
from ddpm_clip.utils.storage import TEMPORARY
from ddpm_clip.utils.untrusted import read_object

JOB, DONE = "job.json", "done.json"
_FOLDER = re.compile(r"(\d+)-of-(\d+)")


@dataclass(frozen=True, slots=True, order=True)
class EmbeddingShard:
    """Part `index` of `count` of an embedding job, counted from 0."""

    count: int
    index: int

    @classmethod
    def parse(cls, text: str) -> "EmbeddingShard":
        """Parse `i/N`.

        Raises:
            UsageError: `text` has another form, or i is out of range.
        """
        match = re.fullmatch(r"(\d+)/(\d+)", text.strip())
        index, count = (int(match[1]), int(match[2])) if match else (0, 0)
        if index >= count:
            raise UsageError(
                f"invalid --shard {text!r}",
                "a shard is i/N, with i counted from 0",
                f"with {count} parts: 0/{count} to {count - 1}/{count}" if count else "as in 0/4",
                param="shard",
            )
        return cls(count, index)

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"

    def rows(self, total: int, batch_size: int) -> range:
        """Return this part's pictures: whole batches, in equal numbers for all parts (±1)."""
        batches = -(-total // batch_size)
        first, last = (batches * i // self.count for i in (self.index, self.index + 1))
        return range(min(first * batch_size, total), min(last * batch_size, total))

    def folder(self, home: Path) -> Path:
        """Return this part's folder in `home`."""
        return home / f"{self.index}-of-{self.count}"


@dataclass(frozen=True, slots=True)
class Job:
    """What all parts have in common.

    Args:
        pictures: Total number of pictures.
        picture_set: Hash of all keys, in order.
        batch_size: Number of pictures encoded at once.
        card: Card of the parts' caches.
    """

    pictures: int
    picture_set: str
    batch_size: int
    card: CacheCard

    @classmethod
    def of(cls, keys: Iterable[str], batch_size: int, card: CacheCard) -> "Job":
        """Return the job of embedding the pictures with these keys."""
        hash_, pictures = sha256(), 0
        for key in keys:
            hash_.update(key.encode("utf-8", "surrogateescape") + b"\0")
            pictures += 1
        return cls(pictures, hash_.hexdigest(), batch_size, card)

    def facts(self) -> dict[str, object]:
        """Return all values that must agree, by name."""
        own = {"pictures": self.pictures, "picture_set": self.picture_set}
        return own | {"batch_size": self.batch_size} | asdict(self.card)


@dataclass(frozen=True, slots=True)
class Done:
    """A finished part: one content hash per picture, or None if it cannot be used."""

    digests: list[str | None]
    bad: list[BadFile]


def agree_on_job(folder: Path, job: Job) -> None:
    """Check that the part in `folder` belongs to this job, or begin one there.

    Raises:
        CannotCreate: The part belongs to another job.
        StorageError: `job.json` is damaged, or writing failed.
    """
    path = folder / JOB
    if not path.exists():
        with replacing(path) as temporary:
            temporary.write_text(json.dumps(job.facts(), indent=1) + "\n", encoding="utf-8")
        return
    try:
        theirs = read_object(path)
    except (OSError, ValueError) as error:
        raise StorageError(
            f"cannot read {path}", str(error)[:200], f"remove {folder} and run that part again"
        ) from error
    ours = job.facts()
    differ = [
        f"{k} is {theirs.get(k)!r}, not {ours[k]!r}" for k in ours if theirs.get(k) != ours[k]
    ]
    if differ:
        raise CannotCreate(
            f"{folder} is part of another job",
            f"in that job, {'; '.join(differ)}",
            f"repeat the command that made it, or remove {folder.parent}",
            param="out",
        )


def write_done(folder: Path, done: Done) -> None:
    """Mark a part as done, in one step."""
    with replacing(folder / DONE) as temporary:
        temporary.write_text(json.dumps(asdict(done)) + "\n", encoding="utf-8")


def read_done(folder: Path, rows: range) -> Done | None:
    """Return the result of a finished part; None if it is not done, or `done.json` is damaged."""
    try:
        fields = read_object(folder / DONE, 2**31)
        done = Done(list(fields["digests"]), [BadFile(**one) for one in fields["bad"]])
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return done if len(done.digests) == len(rows) else None


def complete_parts(home: Path, job: Job, command: str) -> list[tuple[EmbeddingShard, Done]]:
    """Return the finished parts of a job, in order; of several splits, the first complete one.

    Args:
        home: Folder of the parts.
        job: The job to which they must belong.
        command: Command that makes a part when `--shard i/N` is added.

    Raises:
        MissingInput: Some parts do not exist or are not done; the message names them.
        CannotCreate: A part belongs to another job.
    """
    existing = _parts_in(home)
    if not existing:
        raise MissingInput(
            f"there are no parts in {home}",
            "none has been made yet, or they have already been merged",
            f"make them: {command} --shard 0/4, and so on to 3/4",
        )
    lacking: dict[int, list[int]] = {}
    for count in sorted({part.count for part in existing}):
        parts = [EmbeddingShard(count, i) for i in range(count)]
        found = [_finished(part, home, job) for part in parts]
        lacking[count] = [i for i, done in enumerate(found) if done is None]
        if not lacking[count]:
            return [(p, d) for p, d in zip(parts, found, strict=True) if d is not None]
    count, absent = min(lacking.items(), key=lambda item: len(item[1]))
    lines = "\n        ".join(f"{command} --shard {i}/{count}" for i in absent[:20])
    more = f"\n        and {len(absent) - 20} more" if len(absent) > 20 else ""
    raise MissingInput(
        f"{len(absent)} of {count} parts in {home} are not done",
        f"part {', '.join(f'{i}/{count}' for i in absent[:20])}",
        f"run: {lines}{more}",
    )


def _parts_in(home: Path) -> Sequence[EmbeddingShard]:
    names = [path.name for path in home.iterdir()] if home.is_dir() else []
    matches = [_FOLDER.fullmatch(name) for name in names if not name.startswith(TEMPORARY)]
    return sorted(EmbeddingShard(int(m[2]), int(m[1])) for m in matches if m)


def _finished(part: EmbeddingShard, home: Path, job: Job) -> Done | None:
    folder = part.folder(home)
    if not (folder / JOB).exists():
        return None
    agree_on_job(folder, job)
    return read_done(folder, part.rows(job.pictures, job.batch_size))
