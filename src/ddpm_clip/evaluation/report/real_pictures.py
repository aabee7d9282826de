"""The real pictures to compare with, and which of them the model has seen.

They come from the run's own source or from another one named by the user.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ddpm_clip.config.schema import DataConfig
from ddpm_clip.data.captions.grammars import facts_of
from ddpm_clip.data.local.drawn_flowers import DrawnFlowers
from ddpm_clip.data.subset import Subset
from ddpm_clip.errors import DdpmClipError, MissingInput, UsageError
from ddpm_clip.runs.leftovers import if_moved
from ddpm_clip.training.prepare.pictures import decode, open_data, open_kept
from ddpm_clip.training.prepare.preparation import heldout_rows
from ddpm_clip.types import ImageSource, Progress

TEST = "test"
WITHOUT_TEST = ("hf", "hf-stream", "wds")
"""Sources whose test split is not used, because it would have to be downloaded."""

HELD_OUT = "held out of the training"

DRAWN = 6000
"""Most training pictures that are drawn again: drawing is slower than reading."""

Facts = dict[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class Pictures:
    """Real pictures and their labels."""

    pixels: Tensor  # (n, c, h, w) uint8
    facts: list[Facts]

    def __len__(self) -> int:
        return len(self.facts)

    def rows(self, rows: Sequence[int]) -> "Pictures":
        """Return the pictures with these row numbers."""
        chosen = torch.as_tensor(list(rows), dtype=torch.long)
        return Pictures(self.pixels[chosen], [self.facts[i] for i in rows])

    def by_lot(self, most: int, seed: int = 0) -> "Pictures":
        """Return at most `most` of them, chosen at random."""
        if len(self) <= most:
            return self
        order = np.random.default_rng(seed).permutation(len(self))[:most]
        return self.rows(sorted(order.tolist()))

    def __add__(self, other: "Pictures") -> "Pictures":
        return Pictures(torch.cat([self.pixels, other.pixels]), self.facts + other.facts)


@dataclass(frozen=True, slots=True, eq=False)
class Real:
    """The real pictures that are available.

    Attributes:
        name: name of the source, without folders.
        train: training pictures; None if they are not available.
        unseen: pictures of the same kind, never trained on; may be empty.
        unseen_is: where those come from.
        against: pictures named by the user; every comparison prefers them.
        why_not: why there is no `train`.
        trained_on: number of training pictures, of which `train` may be a random sample.
        heldout: how many pictures, the first of `unseen`, were held out of the training's own pool.
    """

    name: str
    train: Pictures | None = None
    unseen: Pictures | None = None
    unseen_is: str = ""
    against: Pictures | None = None
    why_not: str = ""
    trained_on: int = 0
    heldout: int = 0

    def for_audit(self, fewest: int) -> tuple[Pictures | None, str]:
        """Return unseen pictures for the search for copies, and where they come from.

        A separate split differs from the training pictures by itself, so it is used only if fewer
        than `fewest` pictures were held out of the same pool.
        """
        if self.unseen is None or not fewest <= self.heldout < len(self.unseen):
            return self.unseen, self.unseen_is
        return self.unseen.rows(range(self.heldout)), HELD_OUT

    def for_comparison(self, wanted: int) -> tuple[Pictures | None, str]:
        """Return the pictures that painted ones are compared with, and a description of them.

        These are pictures that the model never saw, if there are at least `wanted`; a model that
        copies its training pictures must not be rewarded for it.
        """
        if self.against is not None:
            return self.against, f"pictures of {self.name}"
        if self.unseen is not None and len(self.unseen) >= wanted:
            return self.unseen, f"pictures that the model never saw ({self.unseen_is})"
        both = [one for one in (self.unseen, self.train) if one is not None and len(one)]
        if not both:
            return None, ""
        whole = both[0] + both[1] if len(both) == 2 else both[0]
        return whole, "all pictures of the source, including the training pictures"


def real_pictures(
    config: DataConfig, home: Path, against: str | None = None
) -> Generator[Progress, None, Real]:
    """Read the real pictures; a source that is not on this machine is no error.

    Args:
        config: the model's data section.
        home: the model's folder; a run keeps its stream and memory map there.
        against: a source to compare with instead, which must exist.

    Raises:
        MissingInput, DataError: `against` has nothing usable.
    """
    try:
        real = yield from _own(config, home)
    except DdpmClipError as error:
        name = Path(config.source or "").name
        why = f"{error.what}" + (f": {error.why}" if error.why else "")
        if _is_run(home) and isinstance(error, MissingInput):
            why += f"; {if_moved(home)}"
        real = Real(name, why_not=why)
    if against is None:
        return real
    named = yield from _against(config, against)
    return replace(real, name=Path(against).name or against, against=named)


def _own(config: DataConfig, home: Path) -> Generator[Progress, None, Real]:
    """Read training and held-out pictures exactly as the training split them, and a test split."""
    source = yield from open_kept(config, home) if _is_run(home) else _opened(config)
    if isinstance(source, DrawnFlowers) and len(source) > DRAWN:
        train, heldout, total = yield from _drawn(source, config)
    else:
        pictures = yield from _read(source, config)
        apart = heldout_rows(len(pictures), config.heldout)
        rows = np.setdiff1d(np.arange(len(pictures)), apart)
        train, heldout = pictures.rows(rows.tolist()), pictures.rows(apart.tolist())
        total = len(train)
    name = Path(config.source or "").name
    test = yield from _test(config)
    if test is None:
        unseen, origin = heldout, HELD_OUT
    else:
        unseen, origin = heldout + test, f"{HELD_OUT}, and the test split"
    return Real(name, train, unseen, origin, trained_on=total, heldout=len(heldout))


def _drawn(
    source: DrawnFlowers, config: DataConfig
) -> Generator[Progress, None, tuple[Pictures, Pictures, int]]:
    """Return a sample of the training drawings, the held-out ones, and the number trained on.

    No drawing can be unusable, so the held-out rows are known in advance.
    """
    apart = heldout_rows(len(source), config.heldout)
    seen = np.setdiff1d(np.arange(len(source)), apart)
    chosen = np.sort(np.random.default_rng(0).permutation(seen)[:DRAWN])
    train = yield from _read(Subset(source, chosen.tolist()), config)
    heldout = yield from _read(Subset(source, apart.tolist()), config)
    return train, heldout, len(seen)


def _test(config: DataConfig) -> Generator[Progress, None, Pictures | None]:
    """Read the test split, if the source has one on this machine."""
    if (config.source or "").partition(":")[0] in WITHOUT_TEST:
        return None
    fewer = config.model_copy(update={"draw": min(config.draw, DRAWN)})
    try:
        source = open_data(fewer, TEST)
    except DdpmClipError:
        return None
    return (yield from _read(source, fewer))


def _against(config: DataConfig, against: str) -> Generator[Progress, None, Pictures]:
    """Read the named source, cropped as the model's pictures are; its test split if it has one."""
    changed = {"source": against, "draw": min(config.draw, DRAWN), "max_samples": None}
    other = config.model_copy(update=changed)
    try:
        source = open_data(other, TEST)
    except (UsageError, MissingInput):
        source = open_data(other)
    return (yield from _read(source, other))


def _read(source: ImageSource, config: DataConfig) -> Generator[Progress, None, Pictures]:
    decoded = yield from decode(source, config)
    facts = [facts_of(source, i) for i in decoded.indices]
    return Pictures(torch.from_numpy(decoded.array), facts)


def _opened(config: DataConfig) -> Generator[Progress, None, ImageSource]:
    """Open the data without keeping anything: a packed model's folder is never written to."""
    yield from ()
    return open_data(config)


def _is_run(home: Path) -> bool:
    return (home / "config.yaml").is_file()
