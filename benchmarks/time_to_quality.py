"""Time to quality: prompt success on MNIST against minutes of training from scratch.

    python benchmarks/time_to_quality.py --arms ours --minutes 3 4 5 6 7 8 10 12
    python benchmarks/time_to_quality.py --arms course diffusers --minutes 5 10 15 20 30 45

The clock counts decoding, the mini-CLIP, embedding and every step; it pauses while the EMA weights
are sampled and judged. The mini-CLIP of a seed is trained once, and its time counts for each arm.
Every curve is saved to the JSON from its first point on. Finished curves are not measured again
without --again, so arms and seeds can be run one at a time.
"""

import argparse
import json
import math
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ours import changed, recipe
from reporting import (
    RESULTS,
    ROOT,
    claim,
    finished,
    parsed,
    print_claims,
    provenance,
    write_results,
)
from students import STUDENTS, Student
from timing import Stopwatch

from ddpm_clip.config.schema import Config
from ddpm_clip.evaluation.clip.job import train_clip_run
from ddpm_clip.evaluation.judge.network import JudgeNet, shipped_judge_folder
from ddpm_clip.evaluation.prompts.cases import digit_cases
from ddpm_clip.evaluation.prompts.success import prompt_success
from ddpm_clip.statistics.intervals import wilson

Curve = dict[str, Any]
BARS = ((0.95, 8.0), (0.975, 12.0))
"""Success, and the minutes in which our model must reach it."""
SMOKE = {
    "model.down_chs": [16, 32],
    "embedder.steps": 3,
    "embedder.width": 8,
    "data.max_samples": 200,
    "data.heldout": 8,
    "training.batch_size": 8,
    "training.warmup": 2,
}


def main() -> None:
    options = _options()
    judge = JudgeNet.load(options.judge)
    curves = earlier(options.out)
    for seed in options.seeds:
        for arm in options.arms:
            if curves.get(arm, {}).get(str(seed), {}).get("whole") and not options.again:
                print(f"{arm}, seed {seed}: already measured")
                continue
            for curve in measured(arm, seed, judge, options):
                curves.setdefault(arm, {})[str(seed)] = curve
                save(curves, options)
    print_claims(claims(curves))


def measured(arm: str, seed: int, judge: JudgeNet, options: argparse.Namespace) -> Any:
    """Run one training; yields its curve after each point."""
    config = seeded(options, seed)
    watch = Stopwatch(spent=mini_clip(config, options.work, seed))
    config = changed(config, {"embedder.model": str(options.work / f"clip-{seed}")})
    left = 60 * max(options.minutes) - watch.seconds
    student = STUDENTS[arm](config, options.work / f"{arm}-{seed}", left)
    made = provenance()
    made = {key: made[key] for key in ("date", "commit", "uncommitted_changes", "cpu", "dtype")}
    curve: Curve = {"parameters": student.parameters, "whole": False, "points": [], **made}
    steps, ended = 0, False
    for minute in options.minutes:
        if watch.seconds > 60 * minute and minute != options.minutes[-1]:
            continue  # already past when training began
        while watch.seconds < 60 * minute and not ended:
            ended = next(student.steps, None) is None or steps + 1 == options.most_steps
            steps += 1
        with watch.paused():
            point = {"minutes": round(watch.seconds / 60, 3), "steps": steps}
            point |= judged_now(student, judge, options)
            curve["points"].append(point)
            print(f"{arm}, seed {seed}: {point}", flush=True)
            yield curve
        if ended:
            break
    student.steps.close()
    yield curve | {"whole": True}


def mini_clip(config: Config, work: Path, seed: int) -> float:
    """Train the mini-CLIP of a seed once; returns its seconds, decoding included."""
    folder, note = work / f"clip-{seed}", work / f"clip-{seed}.json"
    if not note.is_file():
        watch = Stopwatch()
        for _ in train_clip_run(folder, config, overwrite=True):
            pass
        note.write_text(json.dumps({"seconds": watch.seconds}))
    return float(json.loads(note.read_text())["seconds"])


def judged_now(student: Student, judge: JudgeNet, options: argparse.Namespace) -> dict[str, Any]:
    """Success of the EMA weights, with the sampler settings that do best on a few pictures."""
    asked = digit_cases()
    with student.averaged() as network:
        network.eval()

        def success(way: dict[str, Any], n: int, seed: int) -> Any:
            work = prompt_success(student.tti, judge, asked, n, seed, batch=100, **way)
            return finished(work, "judging").total

        way = student.ways[0]
        if len(student.ways) > 1:
            way = max(student.ways, key=lambda one: success(one, 1, 10**6).share)
        count = success(way, options.n, 0)
        network.train()
    return count.as_dict() | {"way": way or "its own"}


def seeded(options: argparse.Namespace, seed: int) -> Config:
    """The recipe with the same seed everywhere, and without sample grids."""
    config = recipe(
        options.config,
        {
            "training.seed": seed,
            "embedder.seed": seed,
            "training.device": "cpu",
            "training.sample_every": 0,
            "embedder.model": None,
        },
    )
    return changed(config, SMOKE) if options.smoke else config


def minutes_to(curve: Curve, share: float) -> float | None:
    """Minutes to the first point with at least this success."""
    return next((p["minutes"] for p in curve["points"] if p["share"] >= share), None)


def median_minutes(curves: Sequence[Curve], share: float) -> float | None:
    """Median over the seeds of the minutes to this success; None if the median is never."""
    reached = [minutes_to(curve, share) for curve in curves]
    middle = statistics.median(math.inf if one is None else one for one in reached)
    return None if math.isinf(middle) else middle


def claims(curves: dict[str, dict[str, Curve]]) -> list[dict[str, Any]]:
    """Targets for the minutes that our model needs, as the median over the seeds."""
    whole = [curve for curve in curves.get("ours", {}).values() if curve["whole"]]
    if not whole:
        return []
    return [
        claim(
            f"minutes of training from scratch to {share:.1%} prompt success, {len(whole)} seeds",
            median_minutes(whole, share),
            bar,
            at_most=True,
            unit="minutes",
        )
        for share, bar in BARS
    ]


def summary(curves: dict[str, dict[str, Curve]]) -> dict[str, Any]:
    """For each arm: minutes to the targets, and the last points of all seeds together."""
    found = {}
    for arm, seeds in curves.items():
        some = [curve for curve in seeds.values() if curve["points"]]
        last = [curve["points"][-1] for curve in some]
        k, n = sum(point["success"] for point in last), sum(point["n"] for point in last)
        found[arm] = {
            "seeds": len(some),
            "parameters": some[0]["parameters"],
            "minutes_to": {f"{share:.1%}": median_minutes(some, share) for share, _ in BARS},
            "last_minutes": statistics.median(point["minutes"] for point in last),
            "last_share": round(k / n, 4),
            "last_interval_95": [round(v, 4) for v in wilson(k, n)],
        }
    return found


def earlier(path: Path) -> dict[str, dict[str, Curve]]:
    """Read the curves that are already in the JSON."""
    if not path.is_file():
        return {}
    facts = json.loads(path.read_text(encoding="utf-8"))
    before = {"uncommitted_changes": facts["made"]["uncommitted_changes"]}
    curves: dict[str, dict[str, Curve]] = {
        arm: {seed: before | curve for seed, curve in seeds.items()}
        for arm, seeds in facts["curves"].items()
    }
    return curves


def save(curves: dict[str, dict[str, Curve]], options: argparse.Namespace) -> None:
    """Write all curves, with the claims and the summary."""
    write_results(
        options.out,
        {
            "claims": claims(curves),
            "config": options.config,
            "n": options.n,
            "arms": summary(curves),
            "curves": curves,
        },
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--arms", nargs="+", choices=list(STUDENTS), default=list(STUDENTS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--minutes", type=float, nargs="+", default=[3, 4, 5, 6, 7, 8, 10, 12, 15])
    parser.add_argument("--config", default="config/digits_quick.yaml", help="config of our model")
    parser.add_argument("--judge", type=Path, default=shipped_judge_folder("digits"))
    parser.add_argument("--n", type=int, default=10, help="pictures per prompt, of 40 prompts")
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "time-to-quality")
    parser.add_argument("--most-steps", type=int, help="stop early, to try the program")
    parser.add_argument("--again", action="store_true", help="measure finished curves again")
    parser.add_argument("--smoke", action="store_true", help="tiny networks, a few seconds")
    parser.add_argument("--out", type=Path, default=RESULTS / "time_to_quality.json")
    options = parsed(parser)
    if options.smoke:
        options.seeds, options.minutes, options.n, options.most_steps = [0], [30.0], 1, 2
    options.work.mkdir(parents=True, exist_ok=True)
    return options


if __name__ == "__main__":
    main()
