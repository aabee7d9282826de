"""`embed`: the embeddings of a source into a cache, or into a CSV for other programs."""

from collections.abc import Generator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from ddpm_clip.cli import console
from ddpm_clip.cli.options import Assignments, ConfigFile, Preset, Source, resolved

if TYPE_CHECKING:
    from torch import Tensor

    from ddpm_clip.config import Config, EmbedderConfig
    from ddpm_clip.types import Embedder, ImageSource, Progress

    Embedded = tuple[list[str], Tensor]
    """Keys (n,) and embeddings (n, e)."""


def embed(
    source: Source,
    out: Annotated[Path, typer.Option(help="A folder, or FILE.csv.", show_default=False)],
    embedder: Annotated[
        str | None,
        typer.Option(help="transformers_clip, labels, a shipped name, a folder or a hub id."),
    ] = None,
    config: ConfigFile = None,
    preset: Preset = None,
    set_: Assignments = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Pictures at once.")] = None,
) -> None:
    """Embed pictures once, for trainings or as CSV.

    ddpm-clip embed photos/ --embedder openai/clip-vit-base-patch32 --out embeddings/photos
    ddpm-clip train photos/ --embeddings embeddings/photos --skip-clip-extraction
    ddpm-clip embed photos/ --out clip.csv

    Cut off, the same command goes on where it stopped. In a folder lie safetensors shards and a
    parquet manifest, and what was embedded is the training crop. A CSV holds a row a picture, its
    path and then the numbers.
    """
    from ddpm_clip.training.prepare import open_data

    settled, _ = resolved(source, preset, config, set_, embedder__batch_size=batch_size)
    pictures = open_data(settled.data)
    encoder = _encoder(settled, embedder, pictures)
    if out.suffix.lower() == ".csv":
        count = _to_csv(settled, pictures, encoder, out)
    else:
        count = len(_followed(_to_cache(settled, pictures, encoder, out))[0])
    console.say(
        f"{count} embeddings of {encoder.dim} numbers, by {encoder.name} {encoder.fingerprint}"
    )
    console.result(str(out))


def _encoder(config: "Config", wanted: str | None, source: "ImageSource") -> "Embedder":
    """The embedder that was asked for, else the one that `train` would take."""
    from ddpm_clip.build import build_embedder

    options = config.embedder if wanted is None else _named(config.embedder, wanted)
    if options.name == "auto":
        options = _named(options, _usual(source))
    return build_embedder(options, classes=source.classes, device=config.training.device)


def _named(options: "EmbedderConfig", wanted: str) -> "EmbedderConfig":
    """The embedder section for one word of the command line."""
    from ddpm_clip.build import mini_clip_folder
    from ddpm_clip.embedders import EMBEDDERS
    from ddpm_clip.weights import shipped_names

    if wanted in EMBEDDERS:
        return options.model_copy(update={"name": wanted})
    is_ours = wanted in shipped_names() or (mini_clip_folder(wanted) / "mini_clip.json").is_file()
    name = "mini_clip" if is_ours else "transformers_clip"
    return options.model_copy(update={"name": name, "model": wanted})


def _usual(source: "ImageSource") -> str:
    """The shipped mini-CLIP that knows the source's words, else the pretrained CLIP."""
    from ddpm_clip.training.prepare import OWN_EMBEDDER
    from ddpm_clip.weights import shipped_names

    own = OWN_EMBEDDER.get(source.name.partition(":")[0])
    return own if own in shipped_names() and own is not None else "transformers_clip"


def _to_cache(
    config: "Config", source: "ImageSource", encoder: "Embedder", out: Path
) -> "Generator[Progress, None, Embedded]":
    """Fill a cache in a folder; it is the one that a run would make of the same pictures."""
    from ddpm_clip.data.embeddings import EmbeddingCache, fill
    from ddpm_clip.data.images import square
    from ddpm_clip.data.subset import digest
    from ddpm_clip.training.prepare import decode
    from ddpm_clip.types import Item, Progress

    pixels = yield from decode(source, config.data)
    options = config.data
    cache = EmbeddingCache.open_or_create(
        out, embedder_name=encoder.name, fingerprint=encoder.fingerprint, dim=encoder.dim,
        preprocessing=f"{options.crop} {options.channels}ch {options.background}",
    )  # fmt: skip
    digests = [digest(source, i) for i in pixels.indices]

    def item(row: int) -> Item:
        i = pixels.indices[row]
        image = square(source[i].convert("L" if options.channels == 1 else "RGB"), options.crop)
        return Item(pixels.keys[row], image, source.label(i), source.caption(i))

    batch = config.embedder.batch_size
    for done in fill(cache, encoder.embed_items, pixels.keys, digests, item, batch_size=batch):
        yield Progress("embed", done, len(pixels.keys))
    return pixels.keys, cache.lookup(pixels.keys, digests)


def _paths(source: "ImageSource") -> list[str] | None:
    """The files of a source that has files."""
    from ddpm_clip.data.files import FileSource
    from ddpm_clip.data.subset import Subset

    if isinstance(source, Subset):
        paths = _paths(source.whole)
        return paths and [paths[i] for i in source.indices]
    return [file.path for file in source.files] if isinstance(source, FileSource) else None


def _to_csv(config: "Config", source: "ImageSource", encoder: "Embedder", out: Path) -> int:
    """A row a picture. Of files the rows that are there are kept, and the key is the path."""
    from ddpm_clip.data.embedding_csv import write_csv
    from ddpm_clip.data.extraction import extract_clip_embeddings

    paths = _paths(source)
    if paths is not None:
        done, _ = extract_clip_embeddings(
            paths, encoder, None, out, config.training.device, config.embedder.batch_size,
            verbose=not console.manners.quiet,
        )  # fmt: skip
        return done
    with TemporaryDirectory() as home:
        keys, rows = _followed(_to_cache(config, source, encoder, Path(home) / "cache"))
    write_csv(out, keys, rows)
    return len(keys)


def _followed(work: "Generator[Progress, None, Embedded]") -> "Embedded":
    from ddpm_clip.cli.interrupt import Patience
    from ddpm_clip.cli.progress import Bars, follow

    with Patience("storing what is done") as patience, Bars() as bars:
        return follow(work, bars, patience)
