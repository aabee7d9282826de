"""`embed`: embeds a source of pictures into a cache, whole or in shards, or into a CSV file."""

import shlex
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from ddpm_clip.cli import console
from ddpm_clip.cli.options import Assignments, ConfigFile, Preset, Source, resolved
from ddpm_clip.errors import DataError, UsageError

if TYPE_CHECKING:
    from ddpm_clip.config.schema import Config, EmbedderConfig
    from ddpm_clip.data.cache.parts import EmbeddingShard
    from ddpm_clip.data.pictures.pixels import BadFile
    from ddpm_clip.training.prepare.embedding import Embedded
    from ddpm_clip.types import Embedder, ImageSource, Progress

Result = TypeVar("Result")


def embed(
    source: Source,
    out: Annotated[Path, typer.Option(help="A folder, or FILE.csv.", show_default=False)],
    embedder: Annotated[
        str | None,
        typer.Option(help="transformers_clip, labels, a shipped mini-CLIP, a folder or a hub id."),
    ] = None,
    config: ConfigFile = None,
    preset: Preset = None,
    set_: Assignments = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Pictures per batch.")] = None,
    shard: Annotated[
        str | None,
        typer.Option(metavar="I/N", help="Embed only shard I of N, with I from 0 to N-1."),
    ] = None,
    merge: Annotated[
        bool, typer.Option("--merge", help="Merge all shards into one cache.")
    ] = False,
) -> None:
    """Embed pictures once, for later trainings or as CSV.

    ddpm-clip embed photos/ --embedder openai/clip-vit-base-patch32 --out runs/embedded
    ddpm-clip train photos/ --embeddings runs/embedded --skip-clip-extraction
    ddpm-clip embed photos/ --out clip.csv

    If it is interrupted, the same command continues where it stopped. A folder gets safetensors
    files and a parquet manifest, with embeddings of the training crop. A CSV file gets one row per
    picture: its path, then the numbers.

    Several machines can share the work by shards, in any order; finished shards are skipped. The
    same command with --merge then writes, byte for byte, what one machine would have written:

    ddpm-clip embed photos/ --out runs/embedded --shard $SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT
    ddpm-clip embed photos/ --out runs/embedded --merge
    """
    from ddpm_clip.data.cache.parts import EmbeddingShard
    from ddpm_clip.training.prepare.pictures import open_data

    part = None if shard is None else EmbeddingShard.parse(shard)
    _check_parts(part, merge, out)
    settled, _ = resolved(source, preset, config, set_, embedder__batch_size=batch_size)
    settled = settled.model_copy(update={"embedder": _settled(settled, embedder)})
    pictures = open_data(settled.data)
    command = _command(source, out, embedder, config, preset, set_, batch_size)
    count = _embedded(settled, pictures, out, part, command if merge else None)
    console.say(f"{count} by {settled.embedder.name} {settled.embedder.model or ''}")
    console.result(str(out))


def _embedded(
    config: "Config",
    source: "ImageSource",
    out: Path,
    part: "EmbeddingShard | None",
    merge: str | None,
) -> str:
    """Embed, and return how many embeddings there are; `merge` is the command of the shards."""
    from ddpm_clip.data.storage.atomic import hold
    from ddpm_clip.training.prepare.embedding import PLAIN
    from ddpm_clip.training.prepare.sharded_embedding import PARTS

    if out.suffix.lower() == ".csv":
        return f"{_to_csv(config, source, out)} new rows"
    if part is not None:  # only the shard is locked: other processes make other shards
        with hold(part.folder(out / PARTS / PLAIN.name)):
            return _part_to(config, source, out, part)
    with hold(out):
        if merge is not None:
            return _merged(config, source, out, merge)
        return f"{len(_followed(_to_cache(config, source, out)).keys)} embeddings"


def _settled(config: "Config", wanted: str | None) -> "EmbedderConfig":
    """Return the embedder that `--embedder` names, else the one that `train` would use."""
    from ddpm_clip.build import mini_clip_folder
    from ddpm_clip.embedders import EMBEDDERS
    from ddpm_clip.training.prepare.start import settled_embedder

    options = config.embedder
    if wanted is None:
        return settled_embedder(options, config.data) if options.name == "auto" else options
    if wanted in EMBEDDERS:
        return options.model_copy(update={"name": wanted})
    is_ours = (mini_clip_folder(wanted) / "mini_clip.json").is_file()
    name = "mini_clip" if is_ours else "transformers_clip"
    return options.model_copy(update={"name": name, "model": wanted})


def _check_parts(part: "EmbeddingShard | None", merge: bool, out: Path) -> None:
    if part is not None and merge:
        raise UsageError(
            "--shard and --merge cannot be combined",
            "all shards are embedded first, then merged",
            "leave one of them out",
            param="merge",
        )
    if (part is not None or merge) and out.suffix.lower() == ".csv":
        raise UsageError(
            f"a CSV file cannot be made in shards: {out}",
            fix="give a folder with --out",
            param="out",
        )


def _command(
    source: str,
    out: Path,
    embedder: str | None,
    config: Path | None,
    preset: str | None,
    assignments: list[str] | None,
    batch_size: int | None,
) -> str:
    """Return the command that makes a shard when `--shard I/N` is added."""
    words = ["ddpm-clip", "embed", source]
    given = {
        "--embedder": embedder,
        "--config": config,
        "--preset": preset,
        "--batch-size": batch_size,
        "--out": out,
    }
    for name, value in [*given.items(), *(("--set", one) for one in assignments or ())]:
        words += [] if value is None else [name, str(value)]
    return shlex.join(words)


def _encoder(config: "Config", source: "ImageSource") -> "Embedder":
    """Return the embedder; for `labels`, with the classes that a training would have."""
    from ddpm_clip.build import build_embedder

    classes = _classes(source) if config.embedder.name == "labels" else ()
    return build_embedder(config.embedder, classes=classes, device=config.training.device)


def _classes(source: "ImageSource") -> tuple[str, ...]:
    """Return the classes with a usable picture, decoding as few pictures as possible."""
    usable = set[str]()
    for i in range(len(source)):
        label = source.label(i)
        if label and label not in usable:
            with suppress(DataError):
                source[i]
                usable.add(label)
    return tuple(sorted(usable))


def _to_cache(
    config: "Config", source: "ImageSource", out: Path
) -> "Generator[Progress, None, Embedded]":
    """Fill the caches that a run in the folder `out` would use, including mirrored pictures."""
    from ddpm_clip.training.prepare.embedding import embed_source

    embedded = yield from embed_source(out, config, source, _encoder(config, source))
    _say_bad(embedded.bad)
    return embedded


def _part_to(config: "Config", source: "ImageSource", out: Path, part: "EmbeddingShard") -> str:
    from ddpm_clip.training.prepare.sharded_embedding import embed_part

    _say_bad(_followed(embed_part(out, config, source, _encoder(config, source), part)))
    n = len(part.rows(len(source), config.embedder.batch_size))
    return f"shard {part} is done: {n} of {len(source)} pictures"


def _merged(config: "Config", source: "ImageSource", out: Path, command: str) -> str:
    from ddpm_clip.training.prepare.sharded_embedding import merge_parts

    work = merge_parts(out, config, source, _encoder(config, source), command)
    return f"{len(_followed(work).keys)} embeddings"


def _say_bad(bad: "list[BadFile]") -> None:
    if bad:
        some = ", ".join(f"{one.key} ({one.reason})" for one in bad[:3])
        console.say(f"left out {len(bad)} unusable pictures, such as {some}")


def _to_csv(config: "Config", source: "ImageSource", out: Path) -> int:
    """Write one row per picture; for files, existing rows are kept and the key is the path."""
    from ddpm_clip.data.csv_exchange.embedding_csv import write_csv
    from ddpm_clip.data.csv_exchange.extraction import extract_clip_embeddings
    from ddpm_clip.training.prepare.embedding import PLAIN, open_cache

    paths = _paths(source)
    if paths is not None:
        done, _ = extract_clip_embeddings(
            paths,
            _encoder(config, source),
            None,
            out,
            config.training.device,
            config.embedder.batch_size,
            verbose=not console.verbosity.quiet,
        )
        if not done and not (out.is_file() and out.stat().st_size):
            out.unlink(missing_ok=True)
            raise DataError(
                f"none of the {len(paths)} pictures can be used",
                "none of them can be decoded",
                "give pictures that can be opened",
            )
        return done
    with TemporaryDirectory() as home:
        embedded = _followed(_to_cache(config, source, Path(home)))
        cache = open_cache(Path(home), _encoder(config, source), config.data, PLAIN)
        write_csv(out, embedded.keys, cache.lookup(embedded.keys, embedded.digests))
    return len(embedded.keys)


def _paths(source: "ImageSource") -> list[str] | None:
    """Return the paths of a source of files, None for other sources."""
    from ddpm_clip.data.local.file_source import FileSource
    from ddpm_clip.data.subset import Subset

    if isinstance(source, Subset):
        paths = _paths(source.whole)
        return paths and [paths[i] for i in source.indices]
    return [file.path for file in source.files] if isinstance(source, FileSource) else None


def _followed(work: "Generator[Progress, None, Result]") -> "Result":
    from ddpm_clip.cli.interrupt import GracefulShutdown
    from ddpm_clip.cli.progress import ProgressBars, follow

    with GracefulShutdown("saving finished embeddings") as shutdown, ProgressBars() as bars:
        return follow(work, bars, shutdown)
