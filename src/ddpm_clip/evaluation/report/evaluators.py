"""Who is asked about painted pictures: a judge, and a CLIP other than the one that conditions.

Both are found beside the model, named by the person, or (the judge) trained on the spot from the
labels of the real pictures. Knows nothing of what is made of their answers.
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

SCORER_FOLDER = "scorer"
"""Where a shipped model keeps a mini-CLIP that did not condition it."""

TRAINED = "trained for this evaluation"
"""The kind of a judge that was trained on the model's own training pictures."""

FEWEST = 20
"""Labelled pictures below which no judge is trained."""

STEPS, STEPS_LEAST = 300, 40
STEPS_A_MINUTE = 60
"""Steps for each given minute at 32 pixels: about a fifth of the time on one core."""


@dataclass(frozen=True, slots=True, eq=False)
class Evaluator:
    """A judge or a CLIP, or why there is none.

    Attributes:
        net: the network itself, or None.
        about: what is known of it, for the report.
        why: there is none.
        fix: what would mend that.
    """

    net: Any
    about: Mapping[str, Any]
    why: str = ""
    fix: str = ""


def find_judge(model: LoadedModel, given: Path | None = None) -> Evaluator | None:
    """The judge that is named or lies beside the model; None where there is neither.

    Raises:
        MissingInput: none in the named folder. DataError: damaged.
        UsageError: it reads pictures of another shape.
    """
    beside = model.folder / JUDGE_FOLDER
    if given is None and not beside.is_dir():
        return None
    judge = JudgeNet.load(given or beside)
    wanted = {"img_ch": model.image_shape[0], "img_size": model.image_shape[1]}
    if wanted != {name: judge.options[name] for name in wanted}:
        raise UsageError(
            f"the judge in {given or beside} reads other pictures",
            f"it was trained on {judge.options['img_size']} pixels with "
            f"{judge.options['img_ch']} channel(s), the model paints {wanted['img_size']} with "
            f"{wanted['img_ch']}",
            "train one on this size, or leave --judge out",
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
    """There is none, and how to have one."""
    return Evaluator(None, {}, why, "--judge FOLDER, or pictures with labels to train one from")


def trained_judge(
    real: Real, *, minutes: float | None = None, seed: int = 2077, steps: int | None = None
) -> Generator[Progress, None, Evaluator]:
    """A judge from the labels of the training pictures, measured on pictures it never saw.

    Args:
        real: the run's own pictures.
        minutes: that the whole evaluation is given; decides the steps where `steps` does not.
        seed: of weights, batches and what is set aside.
        steps: optimisation steps.
    """
    if real.train is None:
        return no_judge(f"no judge lies beside the model, and {_first_lower(real.why_not)}")
    try:
        attributes = attributes_of([_without_captions(one) for one in real.train.facts])
    except DataError as error:
        return no_judge(f"no judge lies beside the model, and {error.why}")
    told = [i for i, one in enumerate(real.train.facts) if _without_captions(one)]
    if len(told) < FEWEST:
        return no_judge(f"{len(told)} labelled pictures are too few to train a judge from")
    pictures = real.train.rows(told)
    chosen = steps or steps_for(minutes, pictures.pixels.shape[-1])
    aside, kept = _set_aside(pictures, seed)
    judge = _untrained(attributes, pictures, seed)
    training = train_judge(judge, kept.pixels, kept.facts, steps=chosen, batch_size=128, seed=seed)
    with torch.random.fork_rng(devices=[]):  # dropout draws from the common generator
        torch.manual_seed(seed)
        for step in training:
            yield Progress("judge", step.step, chosen, f"reads {step.accuracy:.0%}")
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
        return JudgeNet(attributes, pictures.pixels.shape[1], pictures.pixels.shape[2])


def steps_for(minutes: float | None, size: int) -> int:
    """How long a judge is trained in an evaluation of so many minutes, at a side of `size`."""
    if minutes is None:
        return STEPS
    affordable = int(minutes * STEPS_A_MINUTE * (32 / size) ** 2)
    return max(STEPS_LEAST, min(STEPS, affordable))


def find_scorer(model: LoadedModel, given: str | None = None) -> Evaluator:
    """A mini-CLIP that did not condition the model: named, or beside it.

    Raises:
        UsageError: it is the very one that conditions; it would be asked about its own mistakes.
        MissingInput: none in the named folder. DataError: damaged.
    """
    beside = model.folder / SCORER_FOLDER
    if given is None and not beside.is_dir():
        return Evaluator(
            None,
            {},
            "no CLIP is here but the one that conditions the model",
            "train another: ddpm-clip train-clip SOURCE --set embedder.seed=1 --out "
            "FOLDER, then --clip FOLDER",
        )
    folder = mini_clip_folder(given) if given else beside
    clip = MiniClip.load(folder)
    if clip.fingerprint == model.embedder.fingerprint:
        raise UsageError(
            f"{given or beside} is the CLIP that conditions this model",
            "it would be asked about its own mistakes",
            "give another one, of another seed",
            param="clip",
        )
    about = {
        "kind": "named" if given else "beside the model",
        "fingerprint": clip.fingerprint,
        "dim": clip.dim,
        "conditioned_by": model.embedder.fingerprint,
    }
    return Evaluator(clip, about)


def _set_aside(pictures: Pictures, seed: int) -> tuple[Pictures, Pictures]:
    """A tenth that only sets the threshold, and the rest."""
    order = torch.randperm(len(pictures), generator=torch.Generator().manual_seed(seed)).tolist()
    k = min(2000, max(2, len(pictures) // 10))
    return pictures.rows(order[:k]), pictures.rows(order[k:])


def _without_captions(facts: Mapping[str, str]) -> dict[str, str]:
    """Sentences are no classes."""
    return {name: value for name, value in facts.items() if name != "caption"}


def _first_lower(text: str) -> str:
    return text[:1].lower() + text[1:]
