"""Unconditional and class-conditional digits: two of the three tasks, from their recipes.

    python benchmarks/three_tasks.py
    python benchmarks/three_tasks.py --task classes

Trains `config/unconditional.yaml` and `config/classes.yaml`, unless `runs/` contains them (an
interrupted run resumes), paints, and lets the shipped judge of digits read the pictures. Pictures
requested by class must be read as that class. Unconditional pictures are compared with pictures
held out of the training set, next to the same figures for held-out pictures against each other;
they must not be nearer to the training pictures than to the held-out ones. The third task is
`clip_guidance.py`. MNIST is located like the source `mnist`.
"""

import argparse
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from parts import Facts, Parts
from recipes import trained
from reporting import IMAGES, RESULTS, ROOT, claim, counted, finished, parsed, print_claims
from torch import Tensor

from ddpm_clip import TextToImage
from ddpm_clip.config.schema import Config
from ddpm_clip.data.captions.digit_words import DIGITS
from ddpm_clip.evaluation.judge.network import JudgeNet, shipped_judge_folder
from ddpm_clip.evaluation.metrics.against_real import beside_real
from ddpm_clip.evaluation.metrics.features import judge_features, pixel_features, some_rows
from ddpm_clip.evaluation.metrics.memorisation import audit
from ddpm_clip.evaluation.metrics.two_sample import two_sample_test
from ddpm_clip.evaluation.prompts.cases import WORD, digit_cases
from ddpm_clip.evaluation.prompts.success import PromptCase, accepted, paint_cases, prompt_success
from ddpm_clip.training.prepare.pictures import decode, open_data
from ddpm_clip.training.prepare.preparation import heldout_rows
from ddpm_clip.utils.tensors import to_float
from ddpm_clip.utils.visualization import tensor_grid

CLASSES, UNCONDITIONAL = "classes", "unconditional"
TASKS = (UNCONDITIONAL, CLASSES)
METRICS = ("frechet", "kid", "manifold")
QUIET = ("training.sample_every=0", "training.device=cpu")
SEARCHED = 20_000
"""Number of random training pictures that are searched for copies."""

SHOWN = 100


def main() -> None:
    options = _options()
    judge = JudgeNet.load(options.judge)
    common = {"judge": judge.card, "seeds": f"one a picture, {options.seed} and up"}
    parts = Parts(options.out, common, TASKS, claims)
    works: dict[str, Callable[..., Facts]] = {UNCONDITIONAL: unconditional, CLASSES: classes}
    changes = [*QUIET, *options.set]
    for task in options.task:
        recipe = ROOT / "config" / f"{task}.yaml"
        tti = trained(recipe, options.work / task, changes)
        n = options.n if task == UNCONDITIONAL else -(-options.n_classes // len(DIGITS))
        asked = {"n": n, "model_fingerprint": tti.model.fingerprint}
        if options.again or not parts.has(task, **asked):
            parts.measure(task, partial(works[task], tti, judge, n, options), **asked)
    print_claims(parts.write())


def classes(tti: TextToImage, judge: JudgeNet, n: int, options: argparse.Namespace) -> Facts:
    """Paint and judge `n` pictures of every class."""
    asked = digit_cases(phrasings=[WORD])
    if options.images:
        save(tti, asked, 10, options.images / "classes.png", options)
    table = finished(prompt_success(tti, judge, asked, n, options.seed), CLASSES)
    return table.as_dict() | _about(tti)


def unconditional(tti: TextToImage, judge: JudgeNet, n: int, options: argparse.Namespace) -> Facts:
    """Compare `n` unconditional pictures with pictures held out of training."""
    asked = [PromptCase("(unconditional)", {})]
    if options.images:
        save(tti, asked, SHOWN, options.images / "unconditional.png", options)
    x = finished(paint_cases(tti, asked, n, options.seed), UNCONDITIONAL)
    train, apart = divided(tti.model.config)
    painted, real = judge_features(judge, x), judge_features(judge, apart)
    beside: Facts = {}
    for metric in METRICS:
        beside |= {
            name: one.as_dict()
            for name, one in finished(beside_real(metric, painted, real), metric).items()
        }
    left, right = real[some_rows(len(real), len(real), options.seed)].chunk(2)
    two_sample = {
        "painted": finished(two_sample_test(painted, left), "classifier").as_dict(),
        "real": finished(two_sample_test(right, left), "classifier").as_dict(),
    }
    some = train[some_rows(len(train), SEARCHED, options.seed)]
    audits = {
        "pixels": audit(pixel_features(x), pixel_features(some), pixel_features(apart)),
        "features": audit(painted, judge_features(judge, some), real),
    }
    return {
        "read": what_is_read(judge, x),
        "real_read": what_is_read(judge, to_float(apart)),
        "against_heldout": beside,
        "told_apart": two_sample,
        "heldout": len(apart),
        "copies": {name: one.as_dict() for name, one in audits.items()},
        **_about(tti),
    }


def divided(config: Config) -> tuple[Tensor, Tensor]:
    """Training and held-out pictures as uint8, divided as in training."""
    pixels = finished(decode(open_data(config.data), config.data), "pictures")
    apart = heldout_rows(len(pixels.keys), config.data.heldout)
    rows = np.setdiff1d(np.arange(len(pixels.keys)), apart)
    return torch.from_numpy(pixels.array[rows]), torch.from_numpy(pixels.array[apart])


def what_is_read(judge: JudgeNet, x: Tensor) -> Facts:
    """How many pictures the judge accepts as digits, and which digits it reads."""
    digits, fine = dict.fromkeys(DIGITS, 0), accepted(judge, x)
    labels = [label for part in x.split(256) for label in judge.read(part)["digit"].labels]
    for label, good in zip(labels, fine, strict=True):
        digits[label] += good
    return {"accepted": counted(fine), "digits": digits}


def save(
    tti: TextToImage, asked: list[PromptCase], n: int, path: Path, options: argparse.Namespace
) -> None:
    """Save a sheet with the first seeds, ten per row, without selection."""
    x = finished(paint_cases(tti, asked, n, options.seed), "sheet")
    path.parent.mkdir(parents=True, exist_ok=True)
    tensor_grid(x, 10).save(path)


def claims(found: Mapping[str, Any]) -> list[Facts]:
    """The targets that a release must meet."""
    kept = []
    if CLASSES in found:
        share = found[CLASSES]["total"]["share"]
        kept.append(claim("the judge reads the requested class", share, 0.99))
    if UNCONDITIONAL in found:
        share = found[UNCONDITIONAL]["copies"]["pixels"]["closer_to_train"]["share"]
        kept.append(
            claim(
                "unconditional: share nearer to training than to held-out pictures, "
                "deviation from 50 %",
                abs(share - 0.5),
                0.05,
                at_most=True,
            )
        )
    return kept


def _about(tti: TextToImage) -> Facts:
    model, how = tti.model, tti.settings()
    return {
        "model_fingerprint": model.fingerprint,
        "trained_steps": model.step,
        "sampler": how.sampler,
        "steps": how.steps,
        "guidance": how.guidance[0],
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--again", action="store_true", help="measure finished parts again")
    parser.add_argument("--judge", type=Path, default=shipped_judge_folder("digits"))
    parser.add_argument("--n", type=int, default=2000, help="unconditional pictures")
    parser.add_argument(
        "--n-classes", type=int, default=1000, help="pictures of all classes in total"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the first picture")
    parser.add_argument("--set", action="append", default=[], help="KEY=VALUE, for all recipes")
    parser.add_argument("--work", type=Path, default=ROOT / "runs", help="folder of the runs")
    parser.add_argument("--out", type=Path, default=RESULTS / "three_tasks.json")
    parser.add_argument("--images", type=Path, default=IMAGES, help="folder for the sheets")
    parser.add_argument("--no-images", action="store_const", const=None, dest="images")
    return parsed(parser)


if __name__ == "__main__":
    main()
