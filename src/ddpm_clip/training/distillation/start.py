"""The config of a student, and its run: a run like any other, with what its teacher knows."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn

from ddpm_clip.build import EMBEDDER_FOLDER, build_network, usable_device
from ddpm_clip.conditioning.files import BRIDGE_NOTE, save_conditioner
from ddpm_clip.config.resolve import Layer, assignments_layer, flatten, merge
from ddpm_clip.config.schema import Config
from ddpm_clip.errors import CannotCreate, DataError, UsageError
from ddpm_clip.models.scale_conditioned import ScaleConditioned
from ddpm_clip.runs.file_names import FACTS
from ddpm_clip.runs.pretrained import COVERAGE, LoadedModel, find, load, notices_of
from ddpm_clip.runs.run import Run
from ddpm_clip.training.distillation.methods import METHODS, SAMPLERS_OF
from ddpm_clip.training.distillation.walks import visited
from ddpm_clip.training.steps.state import TrainState
from ddpm_clip.utils.storage import replacing
from ddpm_clip.weights import shipped_folder

LADDER: dict[int, tuple[float, ...]] = {
    1: (80.0,),
    2: (80.0, 1.0),
    4: (80.0, 8.0, 1.0, 0.25),
    8: (80.0, 25.0, 8.0, 2.8, 1.0, 0.5, 0.25, 0.1),
}
"""sigma/alpha of the calls of a student, by their number; each holds the one before."""

MOST_CALLS = 4

STUDENT = {
    "training.steps": 600,
    "training.epochs": None,
    "training.batch_size": 96,
    "training.accumulation": 1,
    "training.optimizer": "adamw",
    "training.lr": 1e-3,
    "training.warmup": 20,
    "training.decay": 0.4,
    "training.weight_decay": 0.0,
    "training.checkpoint_every": 100,
    "training.keep_last": 2,
    "training.compile": False,
    "generation.clamp": "none",
    "generation.rescale": 0.0,
    "generation.clip_guidance": 0.0,
}
"""What differs from the teacher's config before anything is chosen."""

BESIDE = ("judge", "scorer")
"""Folders beside a shipped model that a student takes over: they read its pictures as well."""


def student_config(
    teacher: LoadedModel, name: str, calls: int, assignments: Sequence[str] = ()
) -> Config:
    """Return the config of a student with that many calls.

    Args:
        teacher: the model that is distilled.
        name: how it is found again.
        calls: 1, 2 or 4.
        assignments: `key=value` texts, as of `--set`.

    Raises:
        UsageError: a value is out of range, or this teacher cannot be distilled.
    """
    check_teacher(teacher, calls)
    base = flatten(teacher.config.model_dump(mode="json"))
    chosen = assignments_layer(assignments)
    wanted = Layer("distill", STUDENT | {"distillation.teacher": name})
    config, _ = merge([Layer(name, base), wanted, chosen])
    options = config.distillation
    METHODS[options.method]
    if options.features == "clip" and config.embedder.name == "labels":
        raise UsageError(
            "distillation.features = clip needs a CLIP",
            f"{teacher.name} is conditioned on class labels",
            "choose distillation.features=none",
            param="distillation.features",
        )
    levels = tuple(visited(teacher, LADDER[calls], options.walk_steps).values())
    if len(levels) < calls or len(kept_levels(teacher, config, calls)) < calls:
        raise UsageError(
            f"distillation.walk_steps = {options.walk_steps} is too few for {calls} calls",
            "a walk has to visit the noise levels between which the student jumps",
            "choose 20",
            param="distillation.walk_steps",
        )
    low, high = options.scales
    decided = {
        "distillation.levels": list(levels),
        "generation.steps": calls,
        "generation.sampler": SAMPLERS_OF.get(options.method, "ddim"),
        "generation.guidance": min(max(config.generation.guidance, low), high),
        "generation.grid_guidance": sorted(
            {min(max(scale, low), high) for scale in config.generation.grid_guidance}
        ),
    }
    return merge([Layer(name, flatten(config.model_dump(mode="json"))), Layer("distill", decided)])[
        0
    ]


def check_teacher(teacher: LoadedModel, calls: int) -> None:
    """Check that a model can be distilled.

    Raises:
        UsageError: it cannot, or not to so many calls.
    """
    if calls not in range(1, MOST_CALLS + 1) or calls not in LADDER:
        raise UsageError(
            f"calls = {calls} is not possible",
            "a student paints in 1, 2 or 4 network calls",
            "choose 1, 2 or 4; for more, a good sampler needs no distillation",
            param="calls",
        )
    if teacher.config.distillation.levels:
        raise UsageError(
            f"{teacher.name} is itself distilled",
            "its walks have too few steps to be followed",
            f"distil its teacher: {teacher.config.distillation.teacher}",
            param="model",
        )
    if teacher.config.diffusion.parameterization == "eps":
        raise UsageError(
            f"{teacher.name} predicts eps and cannot be distilled",
            "at the highest noise, where a student begins, eps says next to nothing of the picture",
            "train a model with diffusion.parameterization=v, the default",
            param="model",
        )


def kept_levels(teacher: LoadedModel, config: Config, calls: int | None = None) -> list[float]:
    """Return sigma/alpha of the states of a walk that are kept, which include the calls' own."""
    options = config.distillation
    number = calls or options.calls
    ladder = LADDER[2 * number if options.halving > 0 else number]
    return list(visited(teacher, ladder, options.walk_steps).values())


def start_run(
    folder: Path, config: Config, teacher: LoadedModel, *, overwrite: bool = False
) -> Run:
    """Create a student's run, held by this process, or continue it.

    Raises:
        CannotCreate: the folder holds another run or other files.
    """
    parts = {name: teacher.folder / name for name in (EMBEDDER_FOLDER, *BESIDE)}
    own = {name: path for name, path in parts.items() if path.is_dir() and not _has_links(path)}
    facts = {"teacher": teacher.name, "teacher_fingerprint": teacher.fingerprint}
    licences = notices_of(teacher.folder)
    more = {"licences": licences} if licences else {}
    run = Run.create(folder, config, overwrite=overwrite, held=True, facts=facts | more, copies=own)
    carry(run, teacher)
    return run


def carry(run: Run, teacher: LoadedModel) -> None:
    """Copy what painting needs besides the network; again after a crash in the middle of it."""
    run.write_json("classes.json", {"classes": list(teacher.classes)})
    for name in (BRIDGE_NOTE, COVERAGE, "embedder.json"):
        if (teacher.folder / name).is_file() and not (teacher.folder / name).is_symlink():
            with replacing(run.folder / name) as temporary:
                shutil.copyfile(teacher.folder / name, temporary)
    save_conditioner(run.folder, teacher.conditioner)


def _has_links(folder: Path) -> bool:
    """Whether a folder holds links: they may lead to a secret that `pack` would give away."""
    return any(path.is_symlink() for path in (folder, *folder.rglob("*")))


def own_run(folder: Path, name: str, calls: int) -> Run | None:
    """Return the run of the same distillation, if the folder holds one.

    Raises:
        CannotCreate: it holds another run.
    """
    if not (folder / "config.yaml").is_file():
        return None
    run = Run.open(folder)
    options = run.config.distillation
    if (options.teacher, options.calls) == (name, calls):
        return run
    what = f"distils {options.teacher} to {options.calls} calls" if options.calls else "trains"
    raise CannotCreate(
        f"{folder} holds another run",
        f"it {what}",
        "choose another --out, or --overwrite to start from scratch",
        param="out",
    )


def lasting_name(name: str | Path) -> str:
    """Return how a model is found again from any folder: its shipped name, or its whole path."""
    return str(name) if shipped_folder(str(name)) == find(name) else str(find(name).resolve())


def teacher_of(run: Run) -> LoadedModel:
    """Open the teacher of a student's run.

    Raises:
        MissingInput: it is no longer there.
        DataError: its weights have changed since.
    """
    name = run.config.distillation.teacher or ""
    teacher, before = load(name, run.config.training.device), run.read_json(FACTS)
    if teacher.fingerprint != before.get("teacher_fingerprint"):
        raise DataError(
            f"the teacher {name} has changed",
            "the walks that were recorded are not its own any more",
            "start again with --overwrite",
        )
    return teacher


def start_state(run: Run, width: int, teacher: LoadedModel | None) -> TrainState:
    """Return the state before the first step: the teacher's network, which is told the scale.

    Args:
        run: the student's run.
        width: size of the conditions.
        teacher: whose weights it begins with; None where a checkpoint follows.
    """
    options = run.config.training
    torch.manual_seed(options.seed)
    device = usable_device(options.device)
    model: nn.Module = build_network(run.config, width).to(device)
    assert isinstance(model, ScaleConditioned)
    if teacher is not None:
        model.network.load_state_dict(teacher.network.state_dict())
    if options.channels_last:
        model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return TrainState.start(model, options)
