"""Starts or continues a run: settles open choices and checks the config before any long work."""

import warnings
from pathlib import Path

from ddpm_clip.build import EMBEDDER_FOLDER, build_embedder, mini_clip_folder
from ddpm_clip.config.schema import Config, DataConfig, EmbedderConfig
from ddpm_clip.embedders.mini_clip import CARD as MINI_CLIP_CARD
from ddpm_clip.errors import DdpmClipWarning, WeightsUnavailable
from ddpm_clip.runs.pretrained import find, notices_of
from ddpm_clip.runs.run import Run
from ddpm_clip.training.bridge.bridging import AUTO
from ddpm_clip.training.prepare.checks import check_parts
from ddpm_clip.training.prepare.pictures import open_data
from ddpm_clip.training.trackers import check_trackers
from ddpm_clip.weights import shipped_names

OWN_EMBEDDER = {"drawn-flowers": "flowers", "mnist": "digits"}
"""Source -> the shipped mini-CLIP that knows its vocabulary."""

FALLBACK = "flowers"
"""The shipped mini-CLIP used if no pretrained CLIP is available."""


def start_run(
    folder: str | Path,
    config: Config,
    *,
    overwrite: bool = False,
    init: str | None = None,
    held: bool = False,
) -> Run:
    """Create a run, or continue an existing one, with every open choice settled.

    The source is opened and the network built without memory first, so that a mistake is reported
    before any picture is embedded, and leaves nothing behind.

    Args:
        folder: folder of the run.
        config: the config, in which embedder, bridge and flip may be open (`auto`).
        overwrite: whether to replace an existing run.
        init: a model whose weights are the initialisation; looked up before anything is written.
        held: as in `Run.create`.
    """
    folder = Path(folder)
    check_trackers(config.training.track)
    if (folder / "config.yaml").is_file() and not overwrite:
        settled = _settled_like(config, Run.open(folder).config)
        return Run.create(folder, settled, held=held)
    open_data(config.data, streams=True, says=False)
    check_parts(config)
    settled = _settled(config)
    clip = (
        mini_clip_folder(settled.embedder.model) if settled.embedder.name == "mini_clip" else None
    )
    if clip is not None:
        build_embedder(settled.embedder)  # raises for a wrong folder before anything is written
    licences = [] if init is None else notices_of(find(init))
    bridge = config.conditioning.bridge  # as requested: may be `auto`
    facts = {"init": init, "bridge": bridge} | ({"licences": licences} if licences else {})
    copies = {} if clip is None else {EMBEDDER_FOLDER: clip}
    return Run.create(folder, settled, overwrite=overwrite, held=held, facts=facts, copies=copies)


def _settled(config: Config) -> Config:
    """Return the config with embedder, bridge and flip settled."""
    embedder = config.embedder
    if embedder.name == "auto":
        embedder = settled_embedder(embedder, config.data)
    bridge = config.conditioning.bridge
    if bridge == AUTO:  # provisional: chosen after embedding (`training/bridge/bridging.py`)
        bridge = "identity" if embedder.name == "labels" else "shift"
    flip = bool(config.data.flip)  # off by default: digits, letters and logos must not be flipped
    return config.model_copy(
        update={
            "embedder": embedder,
            "conditioning": config.conditioning.model_copy(update={"bridge": bridge}),
            "data": config.data.model_copy(update={"flip": flip}),
        }
    )


def _settled_like(config: Config, earlier: Config) -> Config:
    """Settle what the config leaves open as in the existing run."""
    update: dict[str, object] = {}
    if config.embedder.name == "auto":
        update["embedder"] = earlier.embedder
    if config.conditioning.bridge == "auto":
        same = {"bridge": earlier.conditioning.bridge}
        update["conditioning"] = config.conditioning.model_copy(update=same)
    if config.data.flip is None:
        update["data"] = config.data.model_copy(update={"flip": earlier.data.flip})
    if config.training.minutes is not None and earlier.training.minutes is not None:
        update |= _planned_like(config, earlier)
    return config.model_copy(update=update)


def _planned_like(config: Config, earlier: Config) -> dict[str, object]:
    """Return what was planned for the minutes of the existing run: all but the minutes."""
    size = {"image_size": earlier.data.image_size, "flip": earlier.data.flip}
    kept = {"minutes", "track", "threads", "device", "success_every", "judge", "animation"}
    own = {name: getattr(config.training, name) for name in kept}
    return {
        "data": config.data.model_copy(update=size),
        "model": earlier.model,
        "training": earlier.training.model_copy(update=own),
    }


def settled_embedder(config: EmbedderConfig, data: DataConfig) -> EmbedderConfig:
    """Settle `embedder: auto`.

    A mini-CLIP if `config.model` is one; a shipped mini-CLIP if it knows the vocabulary of the
    source; otherwise the pretrained CLIP, or, with a warning, a shipped mini-CLIP if that is
    not available.
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
            f"{error.what}\n  continuing with the shipped mini-CLIP {FALLBACK!r}, which only knows "
            "the words of drawn flowers;\n  for other words use a pretrained CLIP: "
            "--set embedder.model=FOLDER, or train one: ddpm-clip train-clip",
            DdpmClipWarning,
            stacklevel=3,
        )
        return config.model_copy(update={"name": "mini_clip", "model": FALLBACK})
