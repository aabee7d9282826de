"""Few-call models beside their teachers: distance, variety, success, speed, by network calls.

`python benchmarks/distilled.py` (MNIST is located like the source `mnist`; flowers are drawn).
Distils each shipped model to 4, 2 and 1 calls by each method and seed, within the same minutes, and
paints the same prompts and seeds with all of them and with the teacher at 20, 8, 4, 2 and 1 steps.
Features and success are those of the judge beside the model, which no method is trained on.
"""

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from parts import Parts
from reporting import RESULTS, ROOT, claim, finished, parsed, print_claims, save_first_seeds
from timing import rates, ratio, side_by_side

from ddpm_clip import TextToImage
from ddpm_clip.evaluation.judge.network import JudgeNet, shipped_judge_folder
from ddpm_clip.evaluation.metrics.against_real import beside_real
from ddpm_clip.evaluation.metrics.features import judge_features
from ddpm_clip.evaluation.metrics.two_sample import two_sample_test
from ddpm_clip.evaluation.prompts.cases import cases_of, fewer
from ddpm_clip.evaluation.prompts.success import count_success, paint_cases
from ddpm_clip.evaluation.report.real_pictures import real_pictures
from ddpm_clip.training.distillation import distill
from ddpm_clip.types import Progress
from ddpm_clip.utils.storage import write_text

NAMES = ("digits", "flowers")
STEPS, CALLS = (20, 8, 4, 2, 1), (4, 2, 1)
METHODS: dict[str, tuple[str, ...]] = {
    "trajectory": (),
    "trajectory, features": ("distillation.features=clip",),
    "consistency": ("distillation.method=consistency",),
    "consistency, features": ("distillation.method=consistency", "distillation.features=clip"),
}
"""Name -> what it changes in the config of a distillation."""

DISTANCE, RECALL, SUCCESS, TOLD, SPEED, MINUTES = 1.0, 0.95, -0.005, 0.02, 20.0, 10.0
ONE_CALL = 1.05
"""The targets, against the teacher at 20 steps: ratios of distance (at 1 call `ONE_CALL`), recall
and pictures a second; differences of success and of the share told apart; minutes of distilling."""

WHOLE = "teacher, 20 steps"
TIMED, ROUNDS = 128, 3
"""Pictures of an arm in each round of the comparison of speed, and its rounds."""


def main() -> None:
    options = _options()
    asked = {"n": options.n, "minutes": options.minutes, "set": options.set}
    common = {"seeds": f"one a picture, {options.seed} and up", "n": options.n}
    arms = [(name, arm) for name in options.models for arm in _arms(options)]
    parts = Parts(options.out, common, [f"{name}: {arm}" for name, arm in arms], claims)
    for name, arm in arms:
        part = f"{name}: {arm}"
        if options.again or not parts.has(part, **asked):
            work = partial(measured, name, arm, options)
            parts.measure(part, work, **asked)
            print(part, {key: parts.found[part][key] for key in ("frechet", "recall")}, flush=True)
    print_claims(parts.write())


def _arms(options: argparse.Namespace) -> list[str]:
    """The teacher at every number of steps, then the students by method, calls and seed."""
    teachers = [f"teacher, {steps} steps" for steps in STEPS]
    return teachers + [
        f"{method}; {calls} calls; seed {seed}"
        for method in options.methods
        for seed in range(options.train_seeds)
        for calls in options.calls
    ]


def measured(name: str, arm: str, options: argparse.Namespace) -> dict[str, Any]:
    """Paint with one arm and compare with real pictures."""
    if arm.startswith("teacher"):
        tti, more = TextToImage.from_pretrained(name), {}
        settings: dict[str, Any] = {"steps": int(arm.split()[1])}
    else:
        folder, more = student(name, arm, options)
        tti, settings = TextToImage.from_pretrained(str(folder)), {}
        more = more | {"times_faster": times_faster(tti, name)}
    sheet = options.work / "sheets" / f"{name}, {arm}.png".replace("; ", ", ").replace(" ", "_")
    return compared(tti, name, settings, sheet, options) | more


def compared(
    tti: TextToImage,
    name: str,
    settings: Mapping[str, Any],
    sheet: Path,
    options: argparse.Namespace,
) -> dict[str, Any]:
    """Paint `options.n` pictures from `options.seed` up, and compare them with real ones.

    Args:
        tti: what paints.
        name: the shipped model whose judge gives the features and reads the pictures.
        settings: of the painting.
        sheet: where the first seeds are drawn.
        options: `n` and `seed`.
    """
    judge = JudgeNet.load(shipped_judge_folder(name))
    cases = cases_of(judge.attributes)
    cases = fewer(cases, min(len(cases), options.n))
    each = max(1, options.n // len(cases))
    finished(paint_cases(tti, cases[:4], 2, options.seed, **settings), "warm up")
    began = time.perf_counter()
    x = finished(paint_cases(tti, cases, each, options.seed, **settings), "paint")
    seconds = time.perf_counter() - began
    ours = judge_features(judge, x)
    pool = finished(real_pictures(tti.model.config.data, tti.model.folder), "real pictures")
    real = judge_features(judge, pool.unseen.pixels)
    told = finished(two_sample_test(ours, real), "told apart")
    prompts = [one.prompt for one in fewer(cases, 10)]
    save_first_seeds(tti, prompts, 8, sheet, **settings)
    return {
        "model_fingerprint": tti.model.fingerprint,
        "pictures": len(x),
        **figures_of(ours, real),
        "success": _counted(count_success(judge, x, cases, options.seed).total),
        "told_apart": told.as_dict(),
        "pictures_per_second": round(len(x) / seconds, 2),
    }


def times_faster(tti: TextToImage, name: str) -> dict[str, Any]:
    """How many times the teacher's pictures a second, from prompts to pictures, in alternation."""
    teacher, prompts = TextToImage.from_pretrained(name), tti.model.config.generation.prompts
    n = max(1, TIMED // len(prompts))
    arms = {"student": lambda: tti(prompts, n=n), "teacher": lambda: teacher(prompts, n=n)}
    found = side_by_side(arms, ROUNDS)
    faster = ratio(*(rates(found[arm], n * len(prompts)) for arm in arms))
    return faster.as_dict() | {"rounds": ROUNDS, "pictures": n * len(prompts)}


def figures_of(ours: Any, real: Any) -> dict[str, Any]:
    """Distances and shares beside those of real pictures, with their spread over three splits."""
    found: dict[str, Any] = {}
    for metric in ("frechet", "manifold"):
        for figure, one in finished(beside_real(metric, ours, real), metric).items():
            found[figure] = {
                "value": round(one.painted, 4),
                "real": round(one.real, 4),
                "spread": round(one.painted_spread, 4),
                "n": one.n,
            }
    return found


def _counted(total: Any) -> dict[str, Any]:
    low, high = total.interval
    interval = [round(low, 4), round(high, 4)]
    return {"n": total.n, "share": round(total.share, 4), "interval_95": interval}


def student(name: str, arm: str, options: argparse.Namespace) -> tuple[Path, dict[str, Any]]:
    """Distil, or take what was distilled before; the folder, and how long it took."""
    method, calls, seed = (part.strip() for part in arm.split(";"))
    folder = options.work / f"{name}-{arm}".replace("; ", "-").replace(", ", "-").replace(" ", "_")
    note = folder / "distilled_in.json"
    if options.again or not note.is_file():
        began = time.perf_counter()
        work = distill(
            name,
            folder,
            calls=int(calls.split()[0]),
            minutes=options.minutes,
            assignments=(f"training.seed={seed.split()[1]}", *METHODS[method], *options.set),
            overwrite=options.again,
        )
        for at in work:
            if not isinstance(at, Progress) and at.step % 100 == 0:
                print(f"{arm}: step {at.step}, loss {at.loss:.4f}", flush=True)
        minutes = (time.perf_counter() - began) / 60
        write_text(note, json.dumps({"minutes_of_distilling": round(minutes, 2)}))
    return folder, json.loads(note.read_text(encoding="utf-8"))


def claims(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The targets: of the method with the least distance, over all seeds of its training."""
    kept: list[dict[str, Any]] = []
    for name in dict.fromkeys(part.partition(": ")[0] for part in found):
        whole = found.get(f"{name}: {WHOLE}")
        for calls in (2, 1):
            arms = _best(found, f"{name}: ", f"; {calls} calls;")
            if whole and arms:
                kept += _claims(f"{name}, {calls} call{'s' if calls > 1 else ''}", whole, arms)
    return kept


def _best(found: Mapping[str, Any], start: str, calls: str) -> list[Mapping[str, Any]]:
    """The students of the best method: all its seeds."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for part, one in found.items():
        if part.startswith(start) and calls in part:
            groups.setdefault(part.partition(";")[0], []).append(one)
    return min(groups.values(), key=partial(_mean, ("frechet", "value")), default=[])


def _mean(path: Sequence[str], arms: Sequence[Mapping[str, Any]]) -> float:
    return sum(_at(one, path) for one in arms) / len(arms)


def _at(facts: Any, path: Sequence[str]) -> float:
    for key in path:
        facts = facts[key]
    return float(facts)


def _claims(
    what: str, whole: Mapping[str, Any], arms: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    def relative(*path: str) -> float:
        return _mean(path, arms) / max(_at(whole, path), 1e-9)

    def more(*path: str) -> float:
        return _mean(path, arms) - _at(whole, path)

    most = ONE_CALL if what.endswith("1 call") else DISTANCE
    of = f"{what}, trainings: {len(arms)}, n = {arms[0]['pictures']}"
    made = [
        claim(
            f"{of}: Fréchet distance", relative("frechet", "value"), most, at_most=True, unit="x"
        ),
        claim(f"{of}: recall", relative("recall", "value"), RECALL, unit="x"),
        claim(f"{of}: success, difference", more("success", "share"), SUCCESS),
        claim(f"{of}: told apart, difference", more("told_apart", "accuracy"), TOLD, at_most=True),
    ]
    minutes = max(_at(one, ["minutes_of_distilling"]) for one in arms)
    made.append(claim(f"{of}: distilling", minutes, MINUTES, at_most=True, unit="minutes"))
    if what.endswith("1 call"):
        faster = _mean(("times_faster", "median"), arms)
        made.append(claim(f"{of}: pictures a second", faster, SPEED, unit="x"))
    return made


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", default=list(NAMES))
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=list(METHODS))
    parser.add_argument("--calls", nargs="+", type=int, default=list(CALLS), choices=CALLS)
    parser.add_argument("--n", type=int, default=5000, help="pictures of each arm")
    parser.add_argument("--train-seeds", type=int, default=3, help="trainings of each student")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="time of each distillation")
    parser.add_argument("--set", nargs="*", default=[], help="key=value, for all distillations")
    parser.add_argument("--again", action="store_true", help="measure finished parts again")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first picture")
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "distilled")
    parser.add_argument("--out", type=Path, default=RESULTS / "distilled.json")
    return parsed(parser)


if __name__ == "__main__":
    main()
