"""Claim: training never continues from a damaged newest checkpoint.

The newest checkpoint of a run is damaged a thousand times: bits flipped, files truncated, emptied,
removed or swapped, or the manifest rewritten. The run must fall back to the previous checkpoint,
bit-exactly and with a warning, or refuse with a ddpm_clip error.

    python benchmarks/soak/damaged.py              two minutes
    python benchmarks/soak/damaged.py --smoke      fifty variants
"""

import argparse
import json
import os
import random
import shutil
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from crash_scenarios import settings
from toy import interval, one_thread
from trials import RESULTS, Trials, claim, parsed, print_claims, write_results

from ddpm_clip.errors import DdpmClipError
from ddpm_clip.runs.checkpoints import Checkpoint
from ddpm_clip.runs.run import Run

OLD, NEW = 10, 15
FILES = (
    "model.safetensors",
    "ema.safetensors",
    "optimizer.safetensors",
    "state.json",
    "manifest.json",
)


def made(home: Path) -> None:
    """Create a run with two checkpoints of random values."""
    run = Run.create(home, settings())
    for step in (OLD, NEW):
        run.save(state(step))


def state(step: int) -> Checkpoint:
    """A state of a few thousand values that follow from the step."""
    draws = torch.Generator().manual_seed(step)
    groups = {
        name: {f"{k}.weight": torch.randn(16, 32, generator=draws) for k in range(4)}
        for name in ("model", "ema", "optimizer")
    }
    return Checkpoint(step, groups, {"best": 0.5, "ema_updates": step})


def flip(path: Path, rng: random.Random) -> None:
    """Flip one to eight bits of a file."""
    data = bytearray(path.read_bytes())
    for _ in range(rng.randint(1, 8)):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    path.write_bytes(data)


def cut(path: Path, rng: random.Random) -> None:
    """Truncate a file anywhere."""
    os.truncate(path, rng.randrange(path.stat().st_size))


def grow(path: Path, rng: random.Random) -> None:
    """Append bytes to a file."""
    with open(path, "ab") as file:
        file.write(rng.randbytes(rng.randint(1, 64)))


def empty(path: Path, rng: random.Random) -> None:
    """Truncate a file to zero bytes."""
    os.truncate(path, 0)


def zero(path: Path, rng: random.Random) -> None:
    """Overwrite a stretch with zeros, as a disk does with lost data."""
    data = bytearray(path.read_bytes())
    at = rng.randrange(len(data))
    end = min(len(data), at + rng.randint(1, 4096))
    data[at:end] = bytes(end - at)
    path.write_bytes(data)


def remove(path: Path, rng: random.Random) -> None:
    """Remove a file."""
    path.unlink()


def from_the_old(path: Path, rng: random.Random) -> None:
    """Replace a file by that of the previous checkpoint."""
    shutil.copy(path.parents[1] / f"step-{OLD:06d}" / path.name, path)


def swapped(path: Path, rng: random.Random) -> None:
    """Swap two files."""
    other = path.with_name(rng.choice([name for name in FILES if name != path.name]))
    path.rename(path.with_name("swap"))
    other.rename(path)
    path.with_name("swap").rename(other)


def unlisted(path: Path, rng: random.Random) -> None:
    """Remove a damaged file from the manifest, or empty the manifest."""
    manifest = path.with_name("manifest.json")
    facts = json.loads(manifest.read_text(encoding="utf-8"))
    if path != manifest and rng.random() < 0.5:
        del facts["sha256"][path.name]
    else:
        facts["sha256"] = {}
    if path != manifest:
        flip(path, rng)
    manifest.write_text(json.dumps(facts), encoding="utf-8")


def replaced_by_a_folder(path: Path, rng: random.Random) -> None:
    """Replace a file by a folder of the same name."""
    path.unlink()
    path.mkdir()


DAMAGES: tuple[Callable[[Path, random.Random], None], ...] = (
    flip,
    flip,
    flip,
    cut,
    cut,
    grow,
    empty,
    zero,
    remove,
    from_the_old,
    swapped,
    unlisted,
    replaced_by_a_folder,
)


def trial(rng: random.Random, template: Path) -> dict[str, Any]:
    """Damage one file, and open the run first as a reader, then as its writer."""
    damage, name = rng.choice(DAMAGES), rng.choice(FILES)
    with tempfile.TemporaryDirectory() as place:
        home = Path(place) / "run"
        shutil.copytree(template, home)
        path = home / "checkpoints" / f"step-{NEW:06d}" / name
        before = path.read_bytes()
        damage(path, rng)
        if path.is_file() and path.read_bytes() == before:
            return {"damage": damage.__name__, "file": name, "did": "nothing changed", "wrong": ""}
        did, wrong = judged(home, Run.load)
        again, worse = judged(home, _as_writer)
        wrong = wrong or worse or ("" if did == again else f"a reader: {did}, a writer: {again}")
        return {"damage": damage.__name__, "file": name, "did": did, "wrong": wrong}


def _as_writer(run: Run) -> Checkpoint | None:
    with run.writing():
        return run.load()


def judged(home: Path, load: Callable[[Run], Checkpoint | None]) -> tuple[str, str]:
    """Return what loading did, and what is wrong with that ("" if nothing is)."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            found = load(Run.open(home))
        except DdpmClipError as error:
            fine = error.what and error.fix
            return f"refused: {error.code}", "" if fine else "an error without a fix"
        except Exception as error:
            return "fell over", f"{type(error).__name__}: {error}"[:300]
    if found is None or found.step != OLD:
        return "went on", f"it resumed from {found and found.step}"
    for group, tensors in state(OLD).tensors.items():
        for name, value in tensors.items():
            if not torch.equal(found.tensors[group][name], value):
                return "fell back", f"{group} {name} is not what was saved"
    return "fell back", "" if caught else "no warning"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--variants", type=int, default=1000)
    parser.add_argument("--again", action="store_true", help="discard finished variants")
    parser.add_argument("--smoke", action="store_true", help="only fifty variants")
    parser.add_argument("--out", type=Path, default=RESULTS / "damaged.json")
    options = parsed(parser)
    variants = 50 if options.smoke else options.variants
    one_thread()
    trials, rows = Trials("damaged", options.again), []
    with tempfile.TemporaryDirectory() as place:
        template = Path(place) / "template"
        made(template)
        for row in trials.run("damage", variants, partial(trial, template=template)):
            rows.append(row)
            if row["wrong"]:
                print(f"variant {row['number']}: {row}", flush=True)
    real = [row for row in rows if row["did"] != "nothing changed"]
    wrong = [row for row in real if row["wrong"]]
    kept = [
        claim(
            f"damaged checkpoints resumed from, or not clearly reported, of {len(real)}",
            len(wrong),
            0,
            at_most=True,
            unit="checkpoints",
        )
    ]
    print_claims(kept)
    write_results(
        options.out,
        {
            "claims": kept,
            "variants": variants,
            "wrong": interval(len(wrong), len(real)),
            "did": dict(Counter(row["did"] for row in rows)),
            "damages": dict(Counter(row["damage"] for row in rows)),
            "failed": wrong,
        },
    )
    trials.finished()


if __name__ == "__main__":
    main()
