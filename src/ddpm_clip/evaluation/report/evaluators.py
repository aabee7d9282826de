"""The evaluators of painted pictures: a judge, and a CLIP that did not condition the model.

Both are found beside the model or named by the user; a judge can also be trained on the spot from
the labels of the real pictures.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ddpm_clip.build import mini_clip_folder
from ddpm_clip.embedders.mini_clip import MiniClip
from ddpm_clip.errors import DataError, UsageError
from ddpm_clip.evaluation.judge.network import FOLDER as JUDGE_FOLDER
from ddpm_clip.evaluation.judge.network import JudgeNet
from ddpm_clip.evaluation.judge.training import attributes_of, calibrate, measure_judge, train_judge
from ddpm_clip.evaluation.report.real_pictures import Pictures, Real
from ddpm_clip.runs.pretrained import LoadedModel
from ddpm_clip.types import Progress
from ddpm_clip.utils.resizing import AnySize, Size
from ddpm_clip.weights import shipped_folder

SCORER_FOLDER = "scorer"
"""Where a shipped model keeps a mini-CLIP that did not condition it."""

TRAINED = "trained for this evaluation"
"""Kind of a judge that was trained on the model's own training pictures."""

FEWEST = 20
"""With fewer labelled pictures than this, no judge is trained."""

STEPS, STEPS_LEAST = 300, 40
STEPS_A_MINUTE = 60
"""Training steps per given minute at 32 pixels: about a fifth of the time on one core."""


@dataclass(frozen=True, slots=True, eq=False)
class Evaluator:
    """A judge or a CLIP, or why there is none.

    Attributes:
        net: the network itself, or None.
        about: facts about it for the report.
        why: why there is none.
        fix: how to get one.
    """

    net: Any
    about: Mapping[str, Any]
    why: str = ""
    fix: str = ""


def _beside(model: LoadedModel, name: str) -> Path:
    """Return a folder beside the model, or beside the shipped model that it was distilled from."""
    own = model.folder / name
    teacher = shipped_folder(model.config.distillation.teacher or "")
    return own if teacher is None or own.is_dir() else teacher / name


def find_judge(model: LoadedModel, given: Path | None = None) -> Evaluator | None:
    """Return the judge that is named or lies beside the model; None if there is neither.

    Raises:
        MissingInput: there is no judge in the named folder. DataError: it is damaged.
        UsageError: it was trained on pictures of another shape.
    """
    beside = _beside(model, JUDGE_FOLDER)
    if given is None and not beside.is_dir():
        return None
    judge = JudgeNet.load(given or beside)
    its, ours = judge.image_shape, model.image_shape
    if its != ours:
        raise UsageError(
            f"the judge in {given or beside} does not fit the model's pictures",
            f"it was trained on {Size(*its[1:])} pixels with {its[0]} channel(s), "
            f"the model paints {Size(*ours[1:])} with {ours[0]}",
            "train one at this size, or leave out --judge",
            param="judge",
        )
    figures = judge.card.get("figures", {})
    known = {name: judge.card[name] for name in ("source", "seed", "steps") if name in judge.card}
    about = {
        "kind": "named" if given else "beside the model",
        "card": known,
        "accuracy": figures.get("accuracy"),
        "accuracy_n": figures.get("n"),
        "rejects_real": figures.get("rejected"),
        "rejects_nonsense": figures.get("nonsense_rejected"),
        "threshold": judge.threshold,
    }
    return Evaluator(judge, about)


def no_judge(why: str) -> Evaluator:
    """Return an evaluator that says why there is no judge, and how to get one."""
    return Evaluator(None, {}, why, "use --judge FOLDER, or pictures with labels to train one from")


def trained_judge(
    real: Real, *, minutes: float | None = None, seed: int = 2077, steps: int | None = None
) -> Generator[Progress, None, Evaluator]:
    """Train a judge on the labels of the training pictures; measure it on pictures it never saw.

    Args:
        real: the run's own pictures.
        minutes: duration of the whole evaluation; decides the number of steps if `steps` is None.
        seed: random seed of weights, batches and the calibration split.
        steps: optimisation steps.
    """
    if real.train is None:
        return no_judge(f"no judge lies beside the model, and {_first_lower(real.why_not)}")
    try:
        attributes = attributes_of([_without_captions(one) for one in real.train.facts])
    except DataError as error:
        return no_judge(f"no judge lies beside the model, and {error.why}")
    labelled = [i for i, one in enumerate(real.train.facts) if _without_captions(one)]
    if len(labelled) < FEWEST:
        return no_judge(f"{len(labelled)} labelled pictures are too few to train a judge")
    pictures = real.train.rows(labelled)
    chosen = steps or steps_for(minutes, Size(*pictures.pixels.shape[-2:]))
    aside, kept = _set_aside(pictures, seed)
    judge = _untrained(attributes, pictures, seed)
    training = train_judge(judge, kept.pixels, kept.facts, steps=chosen, batch_size=128, seed=seed)
    with torch.random.fork_rng(devices=[]):  # dropout draws from the global generator
        torch.manual_seed(seed)
        for step in training:
            yield Progress("judge", step.step, chosen, f"accuracy {step.accuracy:.0%}")
    calibrate(judge, aside.pixels)
    judge.card = {"source": real.name, "seed": seed, "steps": chosen, "trained_on": len(kept)}
    unseen = real.unseen if real.unseen is not None and len(real.unseen) else aside
    figures = measure_judge(judge, unseen.pixels, unseen.facts)
    return Evaluator(
        judge,
        {
            "kind": TRAINED,
            "card": judge.card,
            "accuracy": figures.accuracy,
            "accuracy_n": figures.n,
            "rejects_real": figures.rejected,
            "rejects_nonsense": figures.nonsense_rejected,
            "threshold": judge.threshold,
        },
    )


def _untrained(attributes: dict[str, tuple[str, ...]], pictures: Pictures, seed: int) -> JudgeNet:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return JudgeNet(attributes, pictures.pixels.shape[1], pictures.pixels.shape[2:])


def steps_for(minutes: float | None, size: AnySize) -> int:
    """Return a judge's training steps for an evaluation of `minutes`, on pictures of a size."""
    if minutes is None:
        return STEPS
    height, width = Size.of(size)
    affordable = int(minutes * STEPS_A_MINUTE * (32 / height) * (32 / width))
    return max(STEPS_LEAST, min(STEPS, affordable))


def find_scorer(model: LoadedModel, given: str | None = None) -> Evaluator:
    """Return a mini-CLIP that did not condition the model: named, or beside it.

    Raises:
        UsageError: it is the CLIP that conditions the model, which would grade its own mistakes.
        MissingInput: there is no CLIP in the named folder. DataError: it is damaged.
    """
    beside = _beside(model, SCORER_FOLDER)
    if given is None and not beside.is_dir():
        return Evaluator(
            None,
            {},
            "the only CLIP here is the one that conditions the model",
            "train another one: ddpm-clip train-clip SOURCE --set embedder.seed=1 --out "
            "FOLDER, then --clip FOLDER",
        )
    folder = mini_clip_folder(given) if given else beside
    clip = MiniClip.load(folder)
    if clip.fingerprint == model.embedder.fingerprint:
        raise UsageError(
            f"{given or beside} is the CLIP that conditions this model",
            "it would grade its own mistakes",
            "use one trained with another seed",
            param="clip",
        )
    about = {
        "kind": "named" if given else "beside the model",
        "fingerprint": clip.fingerprint,
        "dim": clip.dim,
        "conditioned_by": model.embedder.fingerprint,
    }
    return Evaluator(clip, about)


def zero_shot(model: LoadedModel, scorer: Evaluator) -> Evaluator:
    """Return the CLIP that judges where there are neither labels nor captions, and whose it is."""
    if scorer.net is not None:
        return Evaluator(scorer.net, {**scorer.about, "who": "a CLIP that did not condition it"})
    about = {"fingerprint": model.embedder.fingerprint, "who": "the CLIP that conditions the model"}
    return Evaluator(model.embedder, about)


def _set_aside(pictures: Pictures, seed: int) -> tuple[Pictures, Pictures]:
    """Split off a tenth, at random, that only calibrates the threshold; return it and the rest."""
    order = torch.randperm(len(pictures), generator=torch.Generator().manual_seed(seed)).tolist()
    k = min(2000, max(2, len(pictures) // 10))
    return pictures.rows(order[:k]), pictures.rows(order[k:])


def _without_captions(facts: Mapping[str, str]) -> dict[str, str]:
    """Return the facts that can be classes: all but captions."""
    return {name: value for name, value in facts.items() if name != "caption"}


def _first_lower(text: str) -> str:
    return text[:1].lower() + text[1:]
