"""The pictures of a run lie elsewhere now: check by their contents that they are the same ones."""

from collections.abc import Generator, Sequence
from hashlib import sha256

import numpy as np

from ddpm_clip.config.schema import Config
from ddpm_clip.data.cache.manifest import Manifest, read_manifest
from ddpm_clip.data.pictures.sandbox import in_children
from ddpm_clip.data.remote.streams import STATE
from ddpm_clip.data.subset import digest
from ddpm_clip.errors import DataError
from ddpm_clip.runs.run import Run
from ddpm_clip.training.prepare.embedding import PLAIN
from ddpm_clip.training.prepare.pictures import KEPT, open_data
from ddpm_clip.types import ImageSource, Progress

PICTURES = "pictures.json"
NAMED = 3
"""Most pictures that an error names."""

SAME = "give the pictures as they were, or start a new run from this one: train SOURCE --init RUN"


def names_hash(keys: Sequence[str]) -> dict[str, int | str]:
    """Return number and hash of the keys of a run's pictures, in their order."""
    hash_ = sha256()
    for key in keys:
        hash_.update(key.encode("utf-8", "surrogateescape") + b"\0")
    return {"n": len(keys), "sha256": hash_.hexdigest()}


def holds_its_pictures(run: Run) -> bool:
    """Whether the run stored its pictures, because they came as a stream."""
    return (run.folder / KEPT / STATE).is_file()


def moved_to(run: Run, source: str) -> Generator[Progress, None, Config]:
    """Return the run's config with its pictures at `source`, if they are the same ones there.

    Every picture that the run embedded has to be there under its key with the same content, and no
    other. A run that has not embedded anything takes any source.

    Raises:
        MissingInput: There is no such source.
        DataError: Pictures are missing, changed or new.
    """
    data = run.config.data.model_copy(update={"source": source})
    pictures = open_data(data, says=False)
    manifest, _ = read_manifest(run.folder / PLAIN.name)
    before = run.read_json(PICTURES)
    if before and len(manifest):
        yield from _checked(run, pictures, manifest, before)
    return run.config.model_copy(update={"data": data})


def _checked(
    run: Run, pictures: ImageSource, manifest: Manifest, before: dict[str, int | str]
) -> Generator[Progress, None, None]:
    bad = {one["key"] for one in run.read_json("bad_files.json").get("bad", [])}
    rows = [i for i in range(len(pictures)) if pictures.key(i) not in bad]
    keys = [pictures.key(i) for i in rows]
    if names_hash(keys) != before:
        raise _other_names(run, pictures, keys, manifest, before)
    with_label = str(run.read_json("embedder.json").get("name", "")).startswith("labels")
    digests = []
    with in_children():
        for n, i in enumerate(rows, 1):
            try:
                found = digest(pictures, i)
            except DataError:
                found = ""
            digests.append(found + (f":{pictures.label(i)}" if with_label else ""))
            yield Progress("compare", n, len(rows))
    changed = np.flatnonzero(manifest.find(keys, digests) < 0)
    if len(changed):
        raise _different(run, pictures, "have another content", [keys[i] for i in changed])


def _other_names(
    run: Run,
    pictures: ImageSource,
    keys: Sequence[str],
    manifest: Manifest,
    before: dict[str, int | str],
) -> DataError:
    known = {bytes(key).decode("utf-8", "replace") for key in manifest.table["key"].to_pylist()}
    if gone := sorted(known - set(keys)):
        return _different(run, pictures, "are not there", gone)
    if new := sorted(set(keys) - known):
        return _different(run, pictures, "are new", new)
    what = f"{pictures.name} has {len(keys)} pictures, not the {before.get('n')} of {run.folder}"
    return DataError(what, "or they are in another order", SAME, param="source")


def _different(run: Run, pictures: ImageSource, how: str, which: Sequence[str]) -> DataError:
    return DataError(
        f"{pictures.name} does not hold the pictures of {run.folder}",
        f"{len(which)} {how}, for example {', '.join(which[:NAMED])}",
        SAME,
        param="source",
    )
