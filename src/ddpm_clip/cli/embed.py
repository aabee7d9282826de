"""`embed`: the embeddings of a source into a cache, or into a CSV for other programs."""

from collections.abc import Generator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from ddpm_clip.cli import console
from ddpm_clip.cli.options import Assignments, ConfigFile, Preset, Source, resolved
from ddpm_clip.errors import DataError

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

    ddpm-clip embed photos/ --embedder openai/clip-vit-base-patch32 --out runs/embedded
    ddpm-clip train photos/ --embeddings runs/embedded --skip-clip-extraction
    ddpm-clip embed photos/ --out clip.csv

    Cut off, the same command goes on where it stopped. In a folder lie safetensors shards and a
    parquet manifest, and what was embedded is the training crop. A CSV holds a row a picture, its
    path and then the numbers.
    """
    from ddpm_clip.training.prepare import open_data

    settled, _ = resolved(source, preset, config, set_, embedder__batch_size=batch_size)
    settled = settled.model_copy(update={"embedder": _settled(settled, embedder)})
    pictures = open_data(settled.data)
    if out.suffix.lower() == ".csv":
        count = f"{_to_csv(settled, pictures, out)} new rows"
    else:
        count = f"{len(_followed(_to_cache(settled, pictures, out))[0])} embeddings"
    console.say(f"{count} by {settled.embedder.name} {settled.embedder.model or ''}")
    console.result(str(out))


def _settled(config: "Config", wanted: str | None) -> "EmbedderConfig":
    """The embedder that one word of the command line asks for, else the one of `train`."""
    from ddpm_clip.build import mini_clip_folder
    from ddpm_clip.embedders import EMBEDDERS
    from ddpm_clip.training.prepare import settled_embedder

    options = config.embedder
    if wanted is None:
        return settled_embedder(options, config.data) if options.name == "auto" else options
    if wanted in EMBEDDERS:
        return options.model_copy(update={"name": wanted})
    is_ours = (mini_clip_folder(wanted) / "mini_clip.json").is_file()
    name = "mini_clip" if is_ours else "transformers_clip"
    return options.model_copy(update={"name": name, "model": wanted})


def _encoder(config: "Config", labels: list[str | None]) -> "Embedder":
    from ddpm_clip.build import build_embedder

    classes = tuple(sorted({label for label in labels if label}))
    return build_embedder(config.embedder, classes=classes, device=config.training.device)


def _to_cache(
    config: "Config", source: "ImageSource", out: Path
) -> "Generator[Progress, None, Embedded]":
    """Fill the caches that a run in the folder `out` would have; mirrored ones where it mirrors."""
    from ddpm_clip.run import Run
    from ddpm_clip.training.prepare import decode, embed_pictures

    pixels = yield from decode(source, config.data)
    encoder, home = _encoder(config, pixels.labels), Run(out, config)
    rows = yield from embed_pictures(home, source, pixels, encoder, False, False)
    if config.data.flip:
        yield from embed_pictures(home, source, pixels, encoder, True, False)
    return pixels.keys, rows


def _to_csv(config: "Config", source: "ImageSource", out: Path) -> int:
    """A row a picture. Of files the rows that are there are kept, and the key is the path."""
    from ddpm_clip.data.embedding_csv import write_csv
    from ddpm_clip.data.extraction import extract_clip_embeddings

    paths = _paths(source)
    if paths is not None:
        done, _ = extract_clip_embeddings(
            paths, _encoder(config, []), None, out, config.training.device,
            config.embedder.batch_size, verbose=not console.manners.quiet,
        )  # fmt: skip
        if not done and not (out.is_file() and out.stat().st_size):
            out.unlink(missing_ok=True)
            raise DataError(f"none of the {len(paths)} pictures can be used",
                            fix="give pictures that can be opened")  # fmt: skip
        return done
    with TemporaryDirectory() as home:
        keys, rows = _followed(_to_cache(config, source, Path(home)))
    write_csv(out, keys, rows)
    return len(keys)


def _paths(source: "ImageSource") -> list[str] | None:
    """The files of a source that has files."""
    from ddpm_clip.data.files import FileSource
    from ddpm_clip.data.subset import Subset

    if isinstance(source, Subset):
        paths = _paths(source.whole)
        return paths and [paths[i] for i in source.indices]
    return [file.path for file in source.files] if isinstance(source, FileSource) else None


def _followed(work: "Generator[Progress, None, Embedded]") -> "Embedded":
    from ddpm_clip.cli.interrupt import Patience
    from ddpm_clip.cli.progress import Bars, follow

    with Patience("storing what is done") as patience, Bars() as bars:
        return follow(work, bars, patience)
