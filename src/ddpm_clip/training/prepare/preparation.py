"""From a source to what the training loop needs: pixels, embeddings, conditioner.

Also settles the default bridge (`bridge: auto`) and writes it into the run's config, which records
what was used. Long stages yield `Progress`.
"""

import warnings
from collections.abc import Generator, Sequence
from dataclasses import asdict

import numpy as np
import torch
from torch import Tensor

from ddpm_clip.build import bridge_options, build_embedder
from ddpm_clip.conditioning.conditioner import Conditioner
from ddpm_clip.conditioning.files import load_conditioner, save_conditioner, write_note
from ddpm_clip.config.schema import Config
from ddpm_clip.coverage.measuring import keep_coverage
from ddpm_clip.data.pictures.crops import random_crops
from ddpm_clip.data.pictures.pixels import Pixels
from ddpm_clip.data.storage.columns import TextColumn
from ddpm_clip.data.storage.scratch import allocate_array
from ddpm_clip.embedders.texts import TextEmbeddings
from ddpm_clip.errors import DataError, DdpmClipWarning, MissingInput
from ddpm_clip.runs.leftovers import if_moved
from ddpm_clip.runs.run import Run
from ddpm_clip.training.bridge.bridging import AUTO, CaptionPairs, bridged, note_of
from ddpm_clip.training.prepare.csv_import import import_csv
from ddpm_clip.training.prepare.embedding import (
    PLAIN,
    Side,
    embed_missing,
    identity,
    open_cache,
    sides,
)
from ddpm_clip.training.prepare.moved_pictures import PICTURES, names_hash
from ddpm_clip.training.prepare.pictures import decode, open_kept
from ddpm_clip.training.prepare.trim_memory import give_back
from ddpm_clip.training.steps.prepared import Crops, Prepared
from ddpm_clip.types import Embedder, ImageSource, Progress


def prepare(
    run: Run, *, skip_extraction: bool = False, writes: bool = True
) -> Generator[Progress, None, Prepared]:
    """Decode and embed the pictures and fit the conditioner; cached embeddings are reused.

    Args:
        run: a run that this process holds.
        skip_extraction: refuse to embed anything; the cache must be complete.
        writes: whether to write to the run; with False, everything is read as another process of
            this training wrote it.

    Raises:
        DataError: there is no usable picture, or (with `skip_extraction`) the cache is incomplete.
    """
    config = run.config
    try:
        source = yield from open_kept(config.data, run.folder)
    except MissingInput as error:
        raise MissingInput(error.what, error.why, if_moved(run.folder)) from error
    crops = random_crops(config.data.random_crop, config.data.crop_margin)
    checks = writes and not run.checkpoint_steps()
    pixels = yield from decode(source, config.data, run.folder, crops, checks=checks)
    if writes and pixels.bad:
        run.write_json("bad_files.json", {"bad": [asdict(file) for file in pixels.bad]})
    if len(pixels.keys) == 1:
        warnings.warn(
            "there is only one picture; the model will do nothing but reproduce it",
            DdpmClipWarning,
            stacklevel=2,
        )
    classes = tuple(sorted({label for label in pixels.labels if label}))
    if writes:
        run.write_json("classes.json", {"classes": list(classes)})
        _note_pictures(run, pixels.keys)
    embedder = build_embedder(
        config.embedder, classes=classes, home=run.folder, device=config.training.device
    )
    found: dict[Side, Tensor] = {}
    for side in sides(config):
        found[side] = yield from embed_pictures(
            run, source, pixels, embedder, side, skip_extraction
        )
    plain = found[PLAIN]
    heldout = heldout_rows(len(pixels.keys), config.data.heldout)
    train_rows = np.setdiff1d(np.arange(len(pixels.keys)), heldout)
    measures = pixels.array if config.embedder.measure else None
    pairs = CaptionPairs(source, pixels.indices, plain, train_rows, heldout, measures)
    conditioner = yield from _conditioner(run, embedder, pairs, pixels.keys, writes)
    return Prepared(
        pixels.array,
        plain,
        conditioner,
        heldout,
        found.get(Side(mirror=True)),
        tuple(pixels.bad),
        pixels.keys,
        tuple(
            Crops(part, found[Side(crop=crop)], found.get(Side(True, crop)))
            for crop, part in zip(crops, pixels.crops, strict=True)
        ),
    )


def _note_pictures(run: Run, keys: Sequence[str]) -> None:
    """Record which pictures the run uses; warn if it is resumed with different ones."""
    now, before = names_hash(keys), run.read_json(PICTURES)
    if before and before != now and run.checkpoint_steps():
        warnings.warn(
            f"the pictures have changed ({before.get('n')} before, {len(keys)} now): they come in "
            "another order from here on, and some that were held out may be trained on",
            DdpmClipWarning,
            stacklevel=2,
        )
    run.write_json(PICTURES, now)


def embed_pictures(
    run: Run, source: ImageSource, pixels: Pixels, embedder: Embedder, side: Side, refuse: bool
) -> Generator[Progress, None, Tensor]:
    """Return the embeddings of one side of the pictures (n, e) in float16, using the run's cache.

    If they are large, they are a memory map of a temporary file.
    """
    cache = open_cache(run.folder, embedder, run.config.data, side)
    digests = TextColumn(identity(source, i, embedder) for i in pixels.indices)
    if side == PLAIN:
        names = pixels.indices, pixels.keys, digests
        import_csv(run.folder, cache, source, *names, embedder, run.config.data)
    absent = len(cache.missing(pixels.keys, digests))
    if refuse and absent:
        raise DataError(
            f"{absent} pictures have no embedding yet",
            "--skip-clip-extraction was given",
            "leave out --skip-clip-extraction, or run `ddpm-clip embed` first",
        )

    yield from embed_missing(
        cache, source, pixels.indices, pixels.keys, digests, embedder, run.config, side
    )
    rows = allocate_array(
        (len(digests), embedder.dim),
        np.float16,
        "embeddings",
        home=run.folder,
        memory_limit_mb=run.config.data.memory_limit_mb,
    )
    give_back()
    embeddings = cache.lookup(pixels.keys, digests, torch.from_numpy(rows))
    del cache, digests
    give_back()
    return embeddings


def _conditioner(
    run: Run, embedder: Embedder, pairs: CaptionPairs, keys: Sequence[str], fits: bool
) -> Generator[Progress, None, Conditioner]:
    """Fit and save the conditioner, or load it: a resumed run must use the same statistics."""
    if not fits:  # the process that fitted it may have settled the bridge
        run.config = _with_bridge(run.config, Run.open(run.folder).config.conditioning.bridge)
    options = run.config.conditioning
    if run.checkpoint_steps() or not fits:
        return load_conditioner(run.folder, bridge_options(options))
    prompts = embedder.prompt_bank()
    with torch.no_grad():
        texts = TextEmbeddings(embedder.embed_texts)(prompts)
    conditioner = Conditioner.fit(
        pairs.images,
        texts,
        rows=torch.from_numpy(pairs.rows),
        keys=keys,
        prompts=prompts,
        options=bridge_options(options),
        bank_size=options.bank_size if options.bank else 0,
        mode=options.mode,
    )
    is_open = AUTO in (options.bridge, run.read_json("run.json").get("bridge"))
    requested = AUTO if is_open else options.bridge
    choice = yield from bridged(conditioner, embedder, texts, pairs, requested)
    run.settle(_with_bridge(run.config, choice.bridge))
    conditioner.options = bridge_options(run.config.conditioning)
    write_note(run.folder, note_of(choice, conditioner))
    save_conditioner(run.folder, conditioner)
    keep_coverage(
        run.folder, conditioner, embedder, run.read_json("classes.json").get("classes", [])
    )
    run.write_json(
        "embedder.json",
        {"name": embedder.name, "dim": embedder.dim, "fingerprint": embedder.fingerprint},
    )
    return conditioner


def _with_bridge(config: Config, bridge: str) -> Config:
    conditioning = config.conditioning.model_copy(update={"bridge": bridge})
    return config.model_copy(update={"conditioning": conditioning})


def heldout_rows(n: int, wanted: int) -> np.ndarray:
    """Return the row numbers of the held-out pictures: at most a tenth, to spare small folders."""
    return np.sort(np.random.default_rng(0).permutation(n)[: min(wanted, n // 10)])
