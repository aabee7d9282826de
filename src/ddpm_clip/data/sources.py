"""The registry of sources: opens the pictures that a user names.

`open_source("photos/")`, `open_source("npz:pack.npz:test")`, `open_source("drawn-flowers:500")`.
Also knows in which folders data sets are usually kept.
"""

import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ddpm_clip.data.local.drawn_flowers import DrawnFlowers
from ddpm_clip.data.local.emoji import read_emoji
from ddpm_clip.data.local.folder import checked_folder, read_folder
from ddpm_clip.data.local.idx import has_idx_files, read_idx_folder
from ddpm_clip.data.local.npz import labels_beside, read_npz
from ddpm_clip.data.local.tiny_imagenet import read_tiny_imagenet
from ddpm_clip.data.remote.hf_datasets import read_dataset, stream_dataset
from ddpm_clip.data.remote.tar_shards import ZIPS, read_tars, shard_paths
from ddpm_clip.data.remote.tar_streams import is_remote, stream_tars
from ddpm_clip.data.remote.zip_source import read_zips
from ddpm_clip.errors import DdpmClipWarning, MissingInput, UsageError
from ddpm_clip.registry import Registry
from ddpm_clip.types import ImageSource
from ddpm_clip.utils.untrusted import is_there, user_path

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
CLOTHES = (
    "T-shirt",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
)
DATA_HOME = "DDPM_CLIP_DATA"


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """Options of a source besides its path; see `open_source`."""

    split: str = "train"
    size: int = 32
    draw: int = 4000
    seed: int = 0
    background: str = "white"


def open_source(
    spec: str | Path,
    *,
    split: str = "train",
    size: int = 32,
    draw: int = 4000,
    seed: int = 0,
    background: str = "white",
) -> ImageSource:
    """Open the source that `spec` names: NAME, NAME:PLACE, or a path: folder, zip, npz pack.

    Args:
        spec: A name in `SOURCES`, followed by a colon and a place if the source needs one; or a
            path.
        split: "train", or another split of the source; two splits never share a picture.
        size: Side of drawn pictures, in pixels; existing pictures keep their size.
        draw: How many pictures are drawn.
        seed: Random seed of the drawing.
        background: Colour behind transparent pixels.

    Raises:
        MissingInput: The path does not exist.
        DataError: There is nothing usable at the path.
        UsageError: `spec` is neither a path nor the name of a source.
    """
    options = SourceOptions(split, size, draw, seed, background)
    text = os.fspath(spec)
    head, colon, place = text.partition(":")
    if isinstance(spec, str) and (head in SOURCES or (colon and not _is_path(text))):
        return _named(head, place, options, alone=not colon)
    path = user_path(text)
    if not _is_path(text):
        return SOURCES[text]("", options)
    if not is_there(path):
        raise MissingInput(f"no such file or folder: {text[:200]}", fix="check the path")
    by_suffix = {".npz": _npz, ".tar": _wds, ".zip": _zip}
    return by_suffix.get(path.suffix.lower(), _folder)(text, options)


def _named(name: str, place: str, options: SourceOptions, alone: bool) -> ImageSource:
    """Open a source by its name; if a folder here has that name too, say how to name the folder."""
    here = alone and is_there(Path(name))
    try:
        source = SOURCES[name](place, options)
    except (MissingInput, UsageError) as error:
        if not here:
            raise
        fix = f"if you mean the folder {name!r} here, write ./{name}"
        raise type(error)(
            error.what, f"{name} is the name of a source: {error.why}", fix
        ) from error
    if here:
        text = f"{name} is the name of a source; the folder of that name here is ./{name}"
        warnings.warn(text, DdpmClipWarning, stacklevel=3)
    return source


def check_name(spec: str) -> None:
    """Raise a `UsageError` for what is neither written like a path nor the name of a source."""
    head, colon, _ = spec.partition(":")
    if not _is_path(spec) and not (colon and head in SOURCES):
        SOURCES[spec]


def _is_path(text: str) -> bool:
    """Whether a spec is a path: it exists, or it is written like one."""
    return (
        is_there(user_path(text)) or os.sep in text.partition(":")[0] or text.startswith((".", "~"))
    )


def _folder(place: str, options: SourceOptions) -> ImageSource:
    if not place:
        raise UsageError("folder: needs a path", fix="folder:PATH")
    return read_folder(place, options.split, background=options.background)


def _npz(place: str, options: SourceOptions) -> ImageSource:
    path, split = place, options.split
    if not is_there(user_path(place)) and ":" in place:
        path, _, split = place.rpartition(":")
    return read_npz(path, split, background=options.background)


def _wds(place: str, options: SourceOptions) -> ImageSource:
    if not place:
        raise UsageError("wds: needs tar shards", fix="wds:FOLDER or wds:shard-{000..009}.tar")
    if is_remote(place):
        return stream_tars(place, split=options.split, background=options.background)
    shards = shard_paths(place, options.split)
    if any(shard.suffix != ".tar" for shard in shards):
        return stream_tars(place, [str(shard) for shard in shards], background=options.background)
    names = labels_beside(shards[0])
    return read_tars(shards, f"wds:{place}", background=options.background, class_names=names)


def _zip(place: str, options: SourceOptions) -> ImageSource:
    if not place:
        raise UsageError("zip: needs a zip", fix="zip:FILE.zip, zip:FOLDER or zip:part-{1..9}.zip")
    return read_zips(
        shard_paths(place, kind=ZIPS),
        f"zip:{place}",
        split=options.split,
        background=options.background,
    )


def _hf(place: str, options: SourceOptions) -> ImageSource:
    return read_dataset(place, options.split, background=options.background)


def _hf_stream(place: str, options: SourceOptions) -> ImageSource:
    return stream_dataset(place, options.split, background=options.background)


def _idx(name: str, classes: Sequence[str]) -> Callable[[str, SourceOptions], ImageSource]:
    def read(place: str, options: SourceOptions) -> ImageSource:
        home = _home(name, place)
        if home.is_file():
            return read_npz(home, options.split, classes=classes)
        pack = home / f"{name.replace('-', '_')}.npz"
        if not has_idx_files(home) and pack.is_file():
            return read_npz(pack, options.split, classes=classes)
        if options.split not in ("train", "test"):
            raise UsageError(
                f"unknown split {options.split!r} of {name}", "choose from: train, test"
            )
        return read_idx_folder(home, name, options.split, classes)

    return read


def _tiny_imagenet(place: str, options: SourceOptions) -> ImageSource:
    home = _home("tiny-imagenet", place)
    pack = home / "tiny_imagenet_jpeg.npz"
    if not (home / "train").is_dir() and pack.is_file():
        return read_npz(pack, options.split, background=options.background)
    return read_tiny_imagenet(home, options.split, background=options.background)


def _tf_flowers(place: str, options: SourceOptions) -> ImageSource:
    home = _home("tf-flowers", place)
    pack = home if home.is_file() else home / "tf_flowers_64.npz"
    if pack.is_file():
        return read_npz(pack, options.split, background=options.background)
    return read_folder(home, options.split, background=options.background)


def _drawn_flowers(place: str, options: SourceOptions) -> ImageSource:
    if place and not (place.isascii() and place.isdigit() and len(place) <= 8):
        raise UsageError(
            f"invalid source drawn-flowers:{place[:40]}",
            f"{place[:40]!r} is not a number of pictures",
            "drawn-flowers:4000",
        )
    # splits must not share a picture, so each has its own random seed
    seed = options.seed if options.split == "train" else _other_seed(options.seed, options.split)
    return DrawnFlowers(int(place or options.draw), options.size, seed)


def _emoji(place: str, options: SourceOptions) -> ImageSource:
    style, _, home = ("", "", place) if _is_path(place) else place.partition(":")
    pack = _home("emoji", home)
    return read_emoji(pack if pack.is_file() else pack / "emoji_64.npz", style)


def _other_seed(seed: int, split: str) -> int:
    return seed + 1_000_000_007 * (1 + sum(split.encode()))


def _home(name: str, place: str) -> Path:
    """Return the folder or pack of a data set: `place` if given, else the usual location."""
    if place:
        path = user_path(place)
        return path if path.is_file() else checked_folder(path)
    above = [Path(os.environ[DATA_HOME])] if os.environ.get(DATA_HOME) else []
    spellings = (name, name.replace("-", "_"), f"{name}-200")
    places = [folder / spelling for folder in [*above, Path("data")] for spelling in spellings]
    for path in places:
        if path.is_dir():
            return path
    looked = ", ".join(str(path) for path in dict.fromkeys(places))
    raise MissingInput(
        f"{name} is not on this machine",
        f"looked in {looked}",
        f"give {name}:FOLDER, or set {DATA_HOME} to its parent folder",
    )


SOURCES: Registry[Callable[[str, SourceOptions], ImageSource]] = Registry(
    "source",
    {
        "folder": _folder,
        "npz": _npz,
        "wds": _wds,
        "zip": _zip,
        "hf": _hf,
        "hf-stream": _hf_stream,
        "mnist": _idx("mnist", DIGITS),
        "fashion-mnist": _idx("fashion-mnist", CLOTHES),
        "tiny-imagenet": _tiny_imagenet,
        "tf-flowers": _tf_flowers,
        "drawn-flowers": _drawn_flowers,
        "emoji": _emoji,
    },
)
"""Maps the name before the colon to (place after the colon, options) -> source."""
