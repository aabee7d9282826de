"""Shows a training and reports how it ended: finished, stopped or interrupted.

If several processes train, the first one prepares the data and paints samples while the others
wait.
"""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from ddpm_clip.cli import console
from ddpm_clip.cli.interrupt import GracefulShutdown, Interrupted
from ddpm_clip.cli.progress import ProgressBars, follow, watched
from ddpm_clip.cli.training_steps import View, follow_steps, saved_step
from ddpm_clip.config.schema import Config
from ddpm_clip.data.pictures.pixels import BadFile
from ddpm_clip.errors import MissingInput
from ddpm_clip.evaluation.prompts.in_training import SuccessMeter
from ddpm_clip.runs.file_names import PLAN
from ddpm_clip.runs.run import Run
from ddpm_clip.training.planning.planning import TrainingPlan, plan_training
from ddpm_clip.training.prepare.checks import check_parts
from ddpm_clip.training.prepare.csv_import import IMPORTED
from ddpm_clip.training.prepare.embedding import CACHE
from ddpm_clip.training.prepare.pictures import KEPT
from ddpm_clip.training.prepare.preparation import prepare
from ddpm_clip.training.prepare.sharded_embedding import PARTS
from ddpm_clip.training.process_group import ALONE, ProcessGroup
from ddpm_clip.training.samples import closing_evaluations, write_outcome
from ddpm_clip.training.steps.pace import Timing
from ddpm_clip.training.steps.prepared import Prepared
from ddpm_clip.training.steps.size import total_steps

ECHO = 10.0
"""Seconds in which a launcher may pass on a signal that its processes have already received."""

Result = TypeVar("Result")

PROMPTS = 8
"""Prompts of the sample grids, as long as the pictures and their classes are not known."""


def planned(
    config: Config, given: frozenset[str], began: float | None, group: ProcessGroup
) -> TrainingPlan | None:
    """Plan a new run, if it was given minutes, and print the plan.

    Args:
        config: the config so far.
        given: keys that somebody set, which are not chosen.
        began: reading of `time.perf_counter` when the command began.
        group: the processes that share a batch.
    """
    if config.training.minutes is None:
        return None
    check_parts(config)
    prompts = len(config.generation.prompts) or PROMPTS
    timing = Timing(began=began, evaluations=closing_evaluations(config, prompts))
    plan = watched(plan_training(config, given, timing=timing, processes=group.size))
    for line in plan.lines():
        console.say(line)
    return plan


def run_training(run: Run, view: View, group: ProcessGroup = ALONE) -> None:
    """Prepare, train, sample; the result on stdout is the run folder or JSON lines.

    Args:
        run: a run that the first process of the group holds.
        view: how it is run and shown.
        group: the processes that train together.

    Raises:
        Interrupted: Ctrl-C or SIGTERM was received; everything is saved.
    """
    by_the_first(group, "tidy run", run.tidy)
    SuccessMeter.of(run.config)  # raises before any long work if there is no judge
    if _is_finished(run):
        console.say(f"{run.folder} is already finished at step {saved_step(run):,}.{_next(run)}")
        return _conclude(run, view, [])
    console.say(f"Training {run.folder} in {group}.")
    with GracefulShutdown(echo=0.0 if group is ALONE else ECHO) as shutdown:
        prepared = _prepared(run, view, shutdown, group)
        with ProgressBars() as bars:
            follow_steps(run, prepared, view, shutdown, bars, group)
    group.close()
    total = total_steps(run.config, len(prepared.rows))  # minutes may have changed it on the way
    if saved_step(run) < total:
        return _stopped(run, view, shutdown, total)
    if not group.is_first:
        return None
    files = write_outcome(run, prepared, animation=run.config.training.animation)
    console.say(f"Finished {total:,} steps in {run.folder}.{_next(run)}")
    return _conclude(run, view, files)


def by_the_first(group: ProcessGroup, what: str, work: Callable[[], Result]) -> Result | None:
    """Do `work` in the first process while the others wait, however long; None in the others.

    Raises:
        SystemExit: in the others, with the exit code of the first, which has printed why.
    """
    if group.is_first:
        with group.leading(what):
            return work()
    if code := group.wait(what):
        raise SystemExit(code)
    return None


def _prepared(run: Run, view: View, shutdown: GracefulShutdown, group: ProcessGroup) -> Prepared:
    """Return the data, prepared by the first process and then opened by the others."""

    def first() -> Prepared:
        with ProgressBars() as bars:
            return follow(prepare(run, skip_extraction=view.skip_extraction), bars, shutdown)

    prepared = by_the_first(group, "prepared data", first)
    if prepared is None:  # no shutdown here: the others stop together with the first, after a step
        with ProgressBars() as bars:
            return follow(prepare(run, skip_extraction=True, writes=False), bars)
    _report_bad(run, prepared.bad)
    return prepared


def carry_embeddings(cache: Path, run: Run) -> None:
    """Copy the embeddings that `ddpm-clip embed` wrote, a folder or a CSV file, into the run.

    Embeddings that the run already has are kept; whether they match is checked when they are used.

    Raises:
        MissingInput: there are no embeddings there.
    """
    if cache.suffix.lower() == ".csv":
        if not cache.is_file():
            raise MissingInput(f"no CSV at {cache}", fix=f"ddpm-clip embed SOURCE --out {cache}")
        shutil.copyfile(cache, run.folder / IMPORTED)
        return
    found = [folder for folder in sorted(cache.glob(f"{CACHE}*")) if folder.is_dir()]
    if not found:
        why, last = f"it has no folder {CACHE}", ""
        if (cache / PARTS).is_dir():
            why, last = "it holds shards that are not merged yet", " --merge"
        raise MissingInput(
            f"no embeddings in {cache}", why, f"ddpm-clip embed SOURCE --out {cache}{last}"
        )
    for folder in found:
        if not (run.folder / folder.name).exists():
            shutil.copytree(folder, run.folder / folder.name)


def is_worth_keeping(run: Run, embeds: bool) -> bool:
    """Return whether a failed new run holds expensive results; warn that it is kept, if so.

    Args:
        run: a run that was just created.
        embeds: False if its embeddings are only copies.
    """
    if run.checkpoint_steps():
        return True
    names = (KEPT, f"{CACHE}*") if embeds else (KEPT,)
    if not any(any(run.folder.glob(f"{name}/shard-*")) for name in names):
        return False
    console.warn(
        f"{run.folder} is kept, with the pictures or embeddings that it already has; "
        "--overwrite starts over and reuses its embeddings"
    )
    return True


def _is_finished(run: Run) -> bool:
    """Return whether nothing is left to do; with `epochs` unknown until the data are read."""
    done = run.config.training.epochs is None and saved_step(run) >= run.config.training.steps
    more = _has_more_time(run)
    return (
        done and not more and bool(run.checkpoint_steps()) and (run.folder / "loss.png").is_file()
    )


def _has_more_time(run: Run) -> bool:
    """Return whether the run was given more minutes than it was trained for."""
    minutes, now = run.config.training.minutes, run.read_json(PLAN).get("now")
    return minutes is not None and now is not None and 60 * minutes > now["seconds"]


def _report_bad(run: Run, bad: Sequence[BadFile]) -> None:
    """Report the files that were left out; the run has the whole list."""
    if not bad:
        return
    named = ", ".join(f"{file.key} ({file.reason})" for file in bad[:5])
    more = f" and {len(bad) - 5} more" if len(bad) > 5 else ""
    console.warn(
        f"left out {len(bad)} unusable pictures: {named}{more}; see {run.folder / 'bad_files.json'}"
    )


def _stopped(run: Run, view: View, shutdown: GracefulShutdown, total: int) -> None:
    """Report a stop: at which step, what is saved, how to continue."""
    step = saved_step(run)
    where = (
        f"step {step:,}. Saved {run.checkpoint_path(step)}. Continue: ddpm-clip resume {run.folder}"
    )
    _conclude(run, view, [])
    if shutdown.asked:
        raise Interrupted(shutdown.asked, f"Interrupted at {where}")
    console.say(f"Stopped at {where}")


def _conclude(run: Run, view: View, files: Sequence[Path]) -> None:
    """Print the result on stdout."""
    if not view.as_json:
        return console.result(str(run.folder))
    console.result_json(
        {
            "event": "end",
            "run": str(run.folder.resolve()),
            "step": saved_step(run),
            "files": [str(path.resolve()) for path in files],
        }
    )


def _next(run: Run) -> str:
    return f'\nPaint: ddpm-clip generate "your words" --model {run.folder}'
