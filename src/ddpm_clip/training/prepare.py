"""From a source to what the training loop needs: pixels, embeddings, conditioner.

Also settles what a config leaves open (`embedder: auto`), so that a run says exactly what it
used. Long stages yield `Progress`. Knows nothing of optimisation or drawing.
"""

import warnings
from collections.abc import Generator, Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ddpm_clip.build import (
    EMBEDDER_FOLDER,
    bridge_options,
    build_denoiser,
    build_embedder,
    build_schedule,
    mini_clip_folder,
    usable_device,
)
from ddpm_clip.conditioner_files import load_conditioner, save_conditioner, write_note
from ddpm_clip.conditioning import Conditioner
from ddpm_clip.config import Config, DataConfig, EmbedderConfig
from ddpm_clip.coverage.measuring import keep_coverage
from ddpm_clip.data.columns import Texts
from ddpm_clip.data.pixels import Pixels
from ddpm_clip.data.scratch import room
from ddpm_clip.embedders.mini_clip import CARD as MINI_CLIP_CARD
from ddpm_clip.embedders.texts import TextEmbeddings
from ddpm_clip.errors import DataError, WeightsUnavailable
from ddpm_clip.pretrained import find
from ddpm_clip.run import Run
from ddpm_clip.settings import checked_prompts, settings_of
from ddpm_clip.training.bridging import AUTO, Told, bridged, note_of
from ddpm_clip.training.embedding import embed_missing, identity, open_cache
from ddpm_clip.training.memory import give_back
from ddpm_clip.training.pictures import decode, open_data, open_kept
from ddpm_clip.training.prepared import Prepared
from ddpm_clip.training.state import OPTIMIZERS
from ddpm_clip.types import Embedder, ImageSource, Progress
from ddpm_clip.weights import shipped_names

OWN_EMBEDDER = {"drawn-flowers": "flowers", "mnist": "digits"}
"""Sources for which a shipped mini-CLIP knows the words."""

FALLBACK = "flowers"


def start_run(
    folder: str | Path,
    config: Config,
    *,
    overwrite: bool = False,
    init: str | None = None,
    held: bool = False,
) -> Run:
    """Create a run, or continue the same one, with every open choice settled.

    Args:
        folder: of the run.
        config: `embedder: auto` and the like may be open.
        overwrite: start anew where there is a run.
        init: a model whose weights are the start; found before anything is written.
        held: as in `Run.create`.

    The source is opened and the network sketched first: a slip leaves nothing behind, and is told
    before pictures are embedded for an hour.
    """
    folder = Path(folder)
    if (folder / "config.yaml").is_file() and not overwrite:
        settled = _settled_like(config, Run.open(folder).config)
        return Run.create(folder, settled, held=held)
    open_data(config.data, streams=True)
    _check_parts(config)
    settled = _settled(config)
    clip = (
        mini_clip_folder(settled.embedder.model) if settled.embedder.name == "mini_clip" else None
    )
    if clip is not None:
        build_embedder(settled.embedder)  # a wrong folder is an error before anything is written
    if init is not None:
        find(init)
    facts = {"init": init, "bridge": config.conditioning.bridge}  # as it was asked for
    copies = {} if clip is None else {EMBEDDER_FOLDER: clip}
    return Run.create(folder, settled, overwrite=overwrite, held=held, facts=facts, copies=copies)


def _check_parts(config: Config) -> None:
    """Raise what device, network, optimiser or sample grids would raise, in no time and memory."""
    own, bridge = config.generation, config.conditioning.bridge
    for scales in (own.grid_guidance, (own.guidance,)):
        settings_of(
            own,
            config.diffusion.timesteps,
            guidance=scales,
            bridge=None if bridge == "auto" else bridge,
        )
    if own.prompts:
        checked_prompts(own.prompts)
    if config.training.lr == 0:
        warnings.warn("training.lr = 0: the weights stay as they are", stacklevel=2)
    usable_device(config.training.device)
    OPTIMIZERS[config.training.optimizer]
    build_schedule(config.diffusion)
    with torch.device("meta"):  # shapes only
        build_denoiser(
            config.model,
            T=config.diffusion.timesteps,
            img_ch=config.data.channels,
            img_size=config.data.image_size,
            c_embed_dim=1,
        )


def prepare(
    run: Run, *, skip_extraction: bool = False, writes: bool = True
) -> Generator[Progress, None, Prepared]:
    """Decode, embed and measure; what is in the run's cache is not embedded again.

    Args:
        run: held by this process.
        skip_extraction: refuse to embed anything; the cache must be complete.
        writes: with False, everything is read as another process of this training left it.

    Raises:
        DataError: nothing usable, or (with `skip_extraction`) an incomplete cache.
    """
    config = run.config
    source = yield from open_kept(config.data, run.folder)
    pixels = yield from decode(source, config.data, run.folder)
    if len(pixels.keys) == 1:
        warnings.warn(
            "there is one picture only; the model can learn nothing but that", stacklevel=2
        )
    classes = tuple(sorted({label for label in pixels.labels if label}))
    if writes:
        run.write_json("classes.json", {"classes": list(classes)})
        _note_pictures(run, pixels.keys)
    embedder = build_embedder(
        config.embedder, classes=classes, home=run.folder, device=config.training.device
    )
    mirror = bool(config.data.flip)
    plain = yield from embed_pictures(run, source, pixels, embedder, False, skip_extraction)
    flipped = (
        (yield from embed_pictures(run, source, pixels, embedder, True, skip_extraction))
        if mirror
        else None
    )
    heldout = heldout_rows(len(pixels.keys), config.data.heldout)
    train_rows = np.setdiff1d(np.arange(len(pixels.keys)), heldout)
    measures = pixels.array if config.embedder.measure else None
    told = Told(source, pixels.indices, plain, train_rows, heldout, measures)
    conditioner = yield from _conditioner(run, embedder, told, pixels.keys, writes)
    return Prepared(
        pixels.array, plain, conditioner, heldout, flipped, tuple(pixels.bad), pixels.keys
    )


def _note_pictures(run: Run, keys: Sequence[str]) -> None:
    """Keep which pictures there are; a run that goes on with others says so."""
    hash_ = sha256()
    for key in keys:
        hash_.update(key.encode("utf-8", "surrogateescape") + b"\0")
    now, before = {"n": len(keys), "sha256": hash_.hexdigest()}, run.read_json("pictures.json")
    if before and before != now and run.checkpoint_steps():
        warnings.warn(
            f"the pictures are others than before ({before.get('n')}, now {len(keys)}): they come "
            "in another order from here on, and some that were held out may be trained on",
            stacklevel=2,
        )
    run.write_json("pictures.json", now)


def embed_pictures(
    run: Run, source: ImageSource, pixels: Pixels, embedder: Embedder, mirror: bool, refuse: bool
) -> Generator[Progress, None, Tensor]:
    """Embeddings of the training crops (n, e) in fp16, through the run's cache.

    They are the cache's own numbers, and where they are many a map of an unnamed file.
    """
    cache = open_cache(run.folder, embedder, run.config.data, mirror)
    digests = Texts(identity(source, i, embedder) for i in pixels.indices)
    absent = len(cache.missing(pixels.keys, digests))
    if refuse and absent:
        raise DataError(
            f"{absent} pictures have no embedding yet",
            "--skip-clip-extraction was given",
            "leave it out, or run `ddpm-clip embed` first",
        )

    yield from embed_missing(
        cache, source, pixels.indices, pixels.keys, digests, embedder, run.config, mirror
    )
    rows = room(
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
    run: Run, embedder: Embedder, told: Told, keys: Sequence[str], fits: bool
) -> Generator[Progress, None, Conditioner]:
    """Fit once and keep: a continued run must not see other statistics."""
    if not fits:  # the process that did may have settled the bridge meanwhile
        run.config = _with_bridge(run.config, Run.open(run.folder).config.conditioning.bridge)
    options = run.config.conditioning
    if run.checkpoint_steps() or not fits:
        return load_conditioner(run.folder, bridge_options(options))
    prompts = embedder.prompt_bank()
    with torch.no_grad():
        texts = TextEmbeddings(embedder.embed_texts)(prompts)
    conditioner = Conditioner.fit(
        told.images,
        texts,
        rows=torch.from_numpy(told.rows),
        keys=keys,
        prompts=prompts,
        options=bridge_options(options),
        bank_size=options.bank_size if options.bank else 0,
        mode=options.mode,
    )
    is_open = AUTO in (options.bridge, run.read_json("run.json").get("bridge"))
    wished = AUTO if is_open else options.bridge
    choice = yield from bridged(conditioner, embedder, texts, told, wished)
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
    """Rows kept out of training: at most a tenth, so that a small folder is not eaten up."""
    return np.sort(np.random.default_rng(0).permutation(n)[: min(wanted, n // 10)])


def _settled(config: Config) -> Config:
    """The config with embedder, bridge and mirroring decided."""
    embedder = config.embedder
    if embedder.name == "auto":
        embedder = settled_embedder(embedder, config.data)
    bridge = config.conditioning.bridge
    if bridge == AUTO:  # for the time until the embeddings are there (`training/bridging.py`)
        bridge = "identity" if embedder.name == "labels" else "shift"
    flip = bool(config.data.flip)  # never unasked: digits, letters and logos do not survive it
    return config.model_copy(
        update={
            "embedder": embedder,
            "conditioning": config.conditioning.model_copy(update={"bridge": bridge}),
            "data": config.data.model_copy(update={"flip": flip}),
        }
    )


def _settled_like(config: Config, earlier: Config) -> Config:
    """What is left open now is what was decided then."""
    update: dict[str, object] = {}
    if config.embedder.name == "auto":
        update["embedder"] = earlier.embedder
    if config.conditioning.bridge == "auto":
        same = {"bridge": earlier.conditioning.bridge}
        update["conditioning"] = config.conditioning.model_copy(update=same)
    if config.data.flip is None:
        update["data"] = config.data.model_copy(update={"flip": earlier.data.flip})
    return config.model_copy(update=update)


def settled_embedder(config: EmbedderConfig, data: DataConfig) -> EmbedderConfig:
    """What `config.model` is, where it is named; else a shipped mini-CLIP that knows the words.

    Failing that the pretrained CLIP, and where it cannot be had a substitute, said loudly.
    """
    if config.model is not None and (mini_clip_folder(config.model) / MINI_CLIP_CARD).is_file():
        return config.model_copy(update={"name": "mini_clip"})
    own = None if config.model else OWN_EMBEDDER.get((data.source or "").partition(":")[0])
    if own in shipped_names():
        return config.model_copy(update={"name": "mini_clip", "model": own})
    try:
        pretrained = config.model_copy(update={"name": "transformers_clip"})
        build_embedder(pretrained)
        return pretrained
    except WeightsUnavailable as error:
        if config.model is not None or FALLBACK not in shipped_names():
            raise
        warnings.warn(
            f"{error.what}\n  going on with the shipped mini-CLIP {FALLBACK!r}, which knows the "
            "words of drawn flowers only;\n  for your own words get a pretrained CLIP: "
            "--set embedder.model=FOLDER, or train one: ddpm-clip train-clip",
            stacklevel=3,
        )
        return config.model_copy(update={"name": "mini_clip", "model": FALLBACK})
