"""`train`: reads the options of a training, shared with `resume`; `training_view` runs it."""

import os
import shlex
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ddpm_clip.cli import console
from ddpm_clip.cli.commands.distill import continue_distilled
from ddpm_clip.cli.interrupt import continue_hint
from ddpm_clip.cli.options import (
    AsJson,
    Assignments,
    ConfigFile,
    MaybeSource,
    Overwrite,
    Preset,
    StopAfter,
    default_folder,
    resolved,
    show_config,
)
from ddpm_clip.errors import Busy, DataError, MissingInput, UsageError, WeightsUnavailable
from ddpm_clip.utils.locks import locked

if TYPE_CHECKING:
    from ddpm_clip.config.schema import Config

Steps = Annotated[
    int | None, typer.Option("--steps", min=0, help="Optimisation steps of the whole training.")
]
Minutes = Annotated[
    float | None,
    typer.Option(
        "--minutes", help="Plan size, network, steps and learning rate for so many minutes."
    ),
]
Track = Annotated[
    list[str] | None,
    typer.Option(
        "--track", metavar="NAME", help="Report to tensorboard, wandb, mlflow, …; repeatable."
    ),
]
NoAnimation = Annotated[bool, typer.Option("--no-animation", help="Do not write GIFs at the end.")]
SkipExtraction = Annotated[
    bool,
    typer.Option("--skip-clip-extraction", help="Embed nothing; fail if an embedding is missing."),
]

BAD_INPUT = (UsageError, DataError, MissingInput, WeightsUnavailable)
"""Errors in the input, after which a new run is seldom worth keeping."""


def train(
    source: MaybeSource = None,
    out: Annotated[Path | None, typer.Option(help="Run folder; by default runs/SOURCE.")] = None,
    config: ConfigFile = None,
    preset: Preset = None,
    set_: Assignments = None,
    steps: Steps = None,
    minutes: Minutes = None,
    track: Track = None,
    init: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Start from the weights of this model.")
    ] = None,
    embeddings: Annotated[
        Path | None, typer.Option(help="Folder or CSV file of embeddings, from `ddpm-clip embed`.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue an existing run.")] = False,
    overwrite: Overwrite = False,
    stop_after: StopAfter = None,
    no_animation: NoAnimation = False,
    skip_clip_extraction: SkipExtraction = False,
    print_config: Annotated[
        bool, typer.Option("--print-config", help="Print every value and its origin, then exit.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Train a model on pictures: decode, embed, train, sample.

    ddpm-clip train photos/ --out runs/photos
    ddpm-clip train mnist --preset digits --steps 2000 --set training.lr=5e-4
    ddpm-clip train photos/ --minutes 30 --track tensorboard

    If the folder already holds the same run, it is continued. Ctrl-C finishes the step, saves and
    prints how to continue. Prints the run folder, or with --json one line per step.
    """
    if resume and source is None and config is None and preset is None:
        return continue_run(
            _existing(out), set_, steps, stop_after, no_animation, as_json, None, minutes, track
        )
    began = time.perf_counter()
    _check_length(steps, minutes)
    with ExitStack() as stack:
        held = out is not None and not print_config and stack.enter_context(claimed(out))
        settled, origins = resolved(
            source,
            preset,
            config,
            set_,
            training__steps=steps,
            training__minutes=minutes,
            training__track=tuple(track) if track else None,
            training__animation=False if no_animation else None,
        )
        if print_config:
            _judged(settled, origins)
            return show_config(settled, origins, as_json)
        folder = out or default_folder(settled)
        if resume:
            _existing(folder)
        held = held or stack.enter_context(claimed(folder))
        _judged(settled, origins, parts=False)
        _start(
            folder,
            settled,
            init,
            embeddings,
            overwrite,
            skip_clip_extraction,
            stop_after,
            as_json,
            held,
            began,
            frozenset(origins),
        )


def continue_run(
    folder: Path,
    set_: list[str] | None,
    steps: int | None,
    stop_after: int | None,
    no_animation: bool,
    as_json: bool,
    source: str | None = None,
    minutes: float | None = None,
    track: list[str] | None = None,
) -> None:
    """Continue a run with its own config and the changes of the command line."""
    changes = {"--set": set_, "--steps": steps, "--source": source}
    if continue_distilled(folder, changes, stop_after, as_json):
        return
    with claimed(folder) as held:
        if source is not None:
            _move(folder, source)
        from ddpm_clip.config.resolve import Layer, assignments_layer, flatten, merge
        from ddpm_clip.runs.run import Run

        own = Run.open(folder).config
        _check_length(steps, minutes if minutes is not None else own.training.minutes)
        flags = {
            "training.steps": steps,
            "training.minutes": minutes,
            "training.track": tuple(track) if track else None,
            "training.animation": False if no_animation else None,
        }
        config, _ = merge(
            [
                Layer(str(folder), flatten(own.model_dump(mode="json"))),
                assignments_layer(set_ or ()),
                Layer("flag", {key: value for key, value in flags.items() if value is not None}),
            ]
        )
        began = time.perf_counter()
        _start(folder, config, stop_after=stop_after, as_json=as_json, held=held, began=began)


def _move(folder: Path, source: str) -> None:
    """Record that a run's pictures are at `source` now, after comparing them."""
    from ddpm_clip.cli.interrupt import GracefulShutdown
    from ddpm_clip.cli.progress import ProgressBars, follow
    from ddpm_clip.runs.run import Run
    from ddpm_clip.training.prepare.moved_pictures import holds_its_pictures, moved_to

    run = Run.open(folder)
    if holds_its_pictures(run):
        return console.say(f"{folder} holds its pictures itself; --source is not needed")
    with GracefulShutdown("nothing has changed") as shutdown, ProgressBars() as bars:
        run.settle(follow(moved_to(run, source), bars, shutdown))


def _start(
    folder: Path,
    config: "Config",
    init: str | None = None,
    embeddings: Path | None = None,
    overwrite: bool = False,
    skip_extraction: bool = False,
    stop_after: int | None = None,
    as_json: bool = False,
    held: bool = False,
    began: float | None = None,
    given: frozenset[str] = frozenset(),
) -> None:
    from ddpm_clip.cli.training_steps import View
    from ddpm_clip.cli.training_view import (
        by_the_first,
        carry_embeddings,
        is_worth_keeping,
        planned,
        run_training,
    )
    from ddpm_clip.data.storage.atomic import hold
    from ddpm_clip.runs.file_names import PLAN
    from ddpm_clip.runs.run import Run
    from ddpm_clip.training.prepare.start import start_run
    from ddpm_clip.training.process_group import join

    group = join(config.training.device)
    console.verbosity.silent = not group.is_first
    group.check_batch(config.training.batch_size)
    with ExitStack() as stack:
        if not held:
            by_the_first(group, "lock", lambda: stack.enter_context(hold(folder)))
        is_new = not overwrite and not (folder / "config.yaml").is_file()

        def begin() -> Run:
            plan = planned(config, given, began, group) if is_new or overwrite else None
            chosen = config if plan is None else plan.config
            new = start_run(folder, chosen, overwrite=overwrite, init=init, held=True)
            if plan is not None:
                new.write_json(PLAN, plan.as_dict())
            return new

        run = by_the_first(group, "run", begin) or Run.open(folder)
        stack.enter_context(continue_hint(f"Continue: ddpm-clip resume {shlex.quote(str(folder))}"))
        try:
            if embeddings is not None:
                by_the_first(group, "embeddings", lambda: carry_embeddings(embeddings, run))
            run_training(run, View(skip_extraction, stop_after, as_json, began), group)
        except BAD_INPUT:
            if is_new and group.is_first and not is_worth_keeping(run, not skip_extraction):
                run.discard()  # so that the next attempt finds a free folder
            raise


@contextmanager
def claimed(folder: Path) -> Iterator[bool]:
    """Lock a run's folder before anything heavy is imported, so that a second training fails fast.

    Yields whether it is locked. With several processes the first one locks it later; if it cannot
    be locked, the library reports why.

    Raises:
        Busy: another process holds the lock.
    """
    with ExitStack() as stack:
        held = int(os.environ.get("WORLD_SIZE") or 1) == 1
        try:
            if held:
                stack.enter_context(locked(folder, lambda holder: Busy.held(folder, holder)))
        except OSError:
            held = False
        yield held


def _check_length(steps: int | None, minutes: float | None) -> None:
    if steps is not None and minutes is not None:
        raise UsageError(
            "--steps and --minutes contradict each other",
            "the steps of a training that is given minutes are planned from them",
            "leave out one of them; --set training.minutes=null ends the planning of a run",
            param="minutes",
        )


def _existing(folder: Path | None) -> Path:
    if folder is None:
        raise UsageError(
            "--resume needs the folder of a run", fix="ddpm-clip resume RUN", param="out"
        )
    if not (folder / "config.yaml").is_file():
        raise MissingInput(
            f"there is no run in {folder}",
            "--resume continues an existing run",
            "leave out --resume to start one",
            param="resume",
        )
    return folder


def _judged(config: "Config", origins: dict[str, str], *, parts: bool = True) -> None:
    """Warn of keys without an effect; with `parts`, also raise what starting the run would."""
    from ddpm_clip.training.prepare.checks import check_parts, warn_of_unused

    if parts:
        check_parts(config)
    warn_of_unused(config, origins)
