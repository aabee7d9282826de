"""Documented names of ddpm_clip 0.1 that have moved: they work for one more release, and warn.

For example, `from ddpm_clip.pretrained import load` still gives `ddpm_clip.runs.pretrained.load`.
Removed modules are served by an import finder (`serve`), names that left an existing module by its
`__getattr__` (`former_names`), renamed methods by `former_method`. Nothing is loaded before it is
used. Paths in the tables are relative to `ddpm_clip`. All of this is removed in the next release,
with the lines that mention it.
"""

import sys
import warnings
from collections.abc import Callable
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

MODULES: dict[str, tuple[str, ...]] = {
    "bridges": ("conditioning.bridges",),
    "checkpoints": ("runs.checkpoints",),
    "clip_guiding": ("generation.clip_guide",),
    "closeness": ("conditioning.closeness",),
    "conditioner_files": ("conditioning.files",),
    "configuring": ("config.resolve",),
    "legacy": ("runs.legacy_weights",),
    "nearest": ("conditioning.nearest",),
    "painting": ("generation.files",),
    "pretrained": ("runs.pretrained", "runs.packing"),
    "prior": ("conditioning.prior",),
    "run": ("runs.run",),
    "seed_keys": ("config.legacy_keys",),
    "settings": ("generation.settings", "config.limits"),
    "coverage.asking": ("coverage.prompt_coverage",),
    "data.digit_shapes": ("data.captions.digit_shapes",),
    "data.drawn_flowers": ("data.local.drawn_flowers",),
    "evaluation.intervals": ("statistics.intervals",),
    "evaluation.judge_job": ("evaluation.judge.job",),
    "evaluation.judge_training": ("evaluation.judge.training",),
    "evaluation.metrics.clusters": ("statistics.clusters",),
    "evaluation.report.files": ("evaluation.report.formats.files",),
    "explain.bottleneck": ("explain.prompt.bottleneck",),
    "explain.commitment": ("explain.over_time.commitment",),
    "explain.control_prompts": ("explain.verdict.prerequisite",),
    "explain.drawing": ("explain.panels.drawing",),
    "explain.embedding": ("explain.prompt.embedding",),
    "explain.guidance_field": ("explain.guidance.guidance_field",),
    "explain.guidance_weights": ("explain.guidance.guidance_weights",),
    "explain.initial_noise": ("explain.noise.initial_noise",),
    "explain.inversion": ("explain.inversions.inversion",),
    "explain.memory": ("explain.target.cache",),
    "explain.noise_prediction": ("explain.noise.noise_prediction",),
    "explain.nulls": ("explain.target.nulls",),
    "explain.planted": ("explain.target.planted",),
    "explain.plans": ("explain.over_time.plans",),
    "explain.provenance": ("explain.training_data.provenance",),
    "explain.stepwise": ("explain.over_time.stepwise",),
    "explain.strangers": ("explain.inversions.out_of_domain",),
    "explain.subject": ("explain.target.analysis_target", "explain.target.readers"),
    "explain.switching": ("explain.over_time.switching",),
    "explain.timesteps": ("explain.over_time.timesteps",),
    "explain.trajectory": ("explain.over_time.trajectory",),
    "explain.verdicts": ("explain.verdict.verdicts",),
    "explain.words": ("explain.prompt.words",),
    "training.batches": ("training.steps.batches",),
    "training.bridging": ("training.bridge.bridging",),
    "training.state": ("training.steps.state",),
    "training.world": ("training.process_group",),
}
"""A removed module -> the modules that have its names now, in the order of the search."""

NAMES: dict[str, str] = {
    "bridges.Ground": "conditioning.bridges.BridgeContext",
    "conditioning.BRIDGES": "conditioning.bridges.BRIDGES",
    "conditioning.BridgeOptions": "conditioning.bridges.BridgeOptions",
    "conditioning.Conditioner": "conditioning.conditioner.Conditioner",
    "conditioning.draw_levels": "conditioning.conditioner.draw_levels",
    "config.ConditioningConfig": "config.schema.ConditioningConfig",
    "config.Config": "config.schema.Config",
    "config.DataConfig": "config.schema.DataConfig",
    "config.DiffusionConfig": "config.schema.DiffusionConfig",
    "config.EmbedderConfig": "config.schema.EmbedderConfig",
    "config.GenerationConfig": "config.schema.GenerationConfig",
    "config.ModelConfig": "config.schema.ModelConfig",
    "config.TrainingConfig": "config.schema.TrainingConfig",
    "coverage.asking.Adviser": "coverage.prompt_coverage.PromptCoverage",
    "coverage.asking.Answer": "coverage.prompt_coverage.CoverageAnswer",
    "data.captions.GRAMMARS": "data.captions.grammars.GRAMMARS",
    "data.captions.MEASURES": "data.captions.grammars.MEASURES",
    "data.captions.facts_of": "data.captions.grammars.facts_of",
    "data.captions.grammar_of": "data.captions.grammars.grammar_of",
    "data.captions.measured_facts": "data.captions.grammars.measured_facts",
    "data.captions.sample_captions": "data.captions.grammars.sample_captions",
    "evaluation.judge.JudgeNet": "evaluation.judge.network.JudgeNet",
    "evaluation.judge.shipped_judge_folder": "evaluation.judge.network.shipped_judge_folder",
    "explain.Subject": "explain.target.analysis_target.AnalysisTarget",
    "explain.subject_of": "explain.target.from_model.target_of",
    "explain.panels.Bars": "explain.panels.kinds.Bars",
    "explain.panels.Curve": "explain.panels.kinds.Curve",
    "explain.panels.Explanation": "explain.verdict.result.Explanation",
    "explain.panels.Heatmap": "explain.panels.kinds.Heatmap",
    "explain.panels.Panel": "explain.panels.kinds.Panel",
    "explain.panels.Strip": "explain.panels.kinds.Strip",
    "explain.panels.Table": "explain.panels.kinds.Table",
    "explain.panels.Verdict": "explain.verdict.result.Verdict",
    "explain.planted.planted_subject": "explain.target.planted.planted_target",
    "explain.report.write_report": "explain.report.files.write_report",
    "explain.subject.Subject": "explain.target.analysis_target.AnalysisTarget",
    "generation.Painted": "generation.request.Painted",
    "generation.TextToImage": "generation.text_to_image.TextToImage",
    "generation.Way": "generation.request.SamplingOverrides",
    "generation.Wish": "generation.request.GenerationRequest",
    "generation.wishes_for": "generation.request.requests_for",
    "training.bridging.Told": "training.bridge.bridging.CaptionPairs",
    "training.prepare.open_data": "training.prepare.pictures.open_data",
    "training.prepare.prepare": "training.prepare.preparation.prepare",
    "training.prepare.start_run": "training.prepare.start.start_run",
    "training.world.World": "training.process_group.ProcessGroup",
}
"""A name that was renamed or left an existing module -> its new name."""

ROOT = "ddpm_clip."


def serve() -> None:
    """Keep removed modules importable."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.append(_Finder())


def former_names(module: str) -> Callable[[str], Any]:
    """Return the `__getattr__` of a module, for the names that left it."""

    def __getattr__(name: str) -> Any:
        return _former(module, name)

    return __getattr__


def former_method(old: str, new: str) -> Callable[..., Any]:
    """Return a deprecated method that calls the method `new`."""

    def method(self: Any, *args: Any, **options: Any) -> Any:
        kind = type(self).__name__
        _warn(f"{kind}.{old}", f"{kind}.{new}", stacklevel=3)
        return getattr(self, new)(*args, **options)

    method.__name__, method.__doc__ = old, f"The former name of `{new}`."
    return method


def _former(module: str, name: str) -> Any:
    """Return the object of an old name, and make it an attribute of its module."""
    old = f"{module.removeprefix(ROOT)}.{name}"
    if old not in NAMES:
        raise AttributeError(f"module {module!r} has no attribute {name!r}")
    _warn(f"{ROOT}{old}", f"{ROOT}{NAMES[old]}", stacklevel=4)
    home, _, present = NAMES[old].rpartition(".")
    value = getattr(import_module(ROOT + home), present)
    setattr(sys.modules[module], name, value)
    return value


def _warn(old: str, new: str, stacklevel: int) -> None:
    message = f"{old} is {new} now; the old name works until the next release"
    warnings.warn(message, DeprecationWarning, stacklevel=stacklevel)


class _Gone(ModuleType):
    """A removed module, which passes lookups on to the new ones."""

    def __getattr__(self, name: str) -> Any:
        old = self.__name__.removeprefix(ROOT)
        if f"{old}.{name}" not in NAMES and not name.startswith("_"):
            for home in map(import_module, (ROOT + home for home in MODULES[old])):
                if hasattr(home, name):
                    return getattr(home, name)
        return _former(self.__name__, name)


class _Keeping(ModuleType):
    """A package whose exports removed modules do not hide: `explain.words` is both."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (isinstance(value, _Gone) and name in vars(self)):
            super().__setattr__(name, value)


class _Finder:
    """An import finder, last in order, for the modules in `MODULES`."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        known = name.startswith(ROOT) and name.removeprefix(ROOT) in MODULES
        return ModuleSpec(name, self) if known else None  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        homes = " and ".join(ROOT + home for home in MODULES[spec.name.removeprefix(ROOT)])
        _warn(spec.name, homes, stacklevel=3)
        return _Gone(spec.name, f"Moved to {homes}.")

    def exec_module(self, module: ModuleType) -> None:
        package, _, child = module.__name__.rpartition(".")
        if child in vars(sys.modules[package]):
            sys.modules[package].__class__ = _Keeping
