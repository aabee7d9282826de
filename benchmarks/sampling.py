"""Sampling: the default sampler against a thousand ancestral steps, and all samplers at few steps.

`python benchmarks/sampling.py` (about fifteen minutes on two cores; `--smoke` for a few seconds).
Both paint 64 digits in alternation, from the same prompts and seeds with the same network, dtype,
batch and guidance scale; ancestral sampling evaluates both guidance branches at every step. The
same pictures are timed and judged, so the accuracies are paired. Then measures the success of every
sampler at 5, 8, 10, 20 and 50 steps.
"""

import argparse
from pathlib import Path
from typing import Any

from paired import Paired
from reporting import RESULTS, claim, finished, painter, parsed, print_claims, write_results
from timing import Timing, ratio, timed

from ddpm_clip import TextToImage
from ddpm_clip.diffusion.samplers import SAMPLERS
from ddpm_clip.evaluation.judge.network import JudgeNet, shipped_judge_folder
from ddpm_clip.evaluation.prompts.cases import digit_cases
from ddpm_clip.evaluation.prompts.success import (
    JudgedPicture,
    PromptCase,
    judged,
    paint_cases,
    prompt_success,
    tabulated,
)

DEFAULT, ANCESTRAL = "default walk", "ancestral walk"
NEEDED_RATIO, MARGIN = 40.0, -0.02


def main() -> None:
    options = _options()
    tti, judge = TextToImage.from_pretrained(options.model), JudgeNet.load(options.judge)
    timings, verdicts = compared(tti, judge, options)
    pairs = Paired.of(*([one.success for one in verdicts[name]] for name in (DEFAULT, ANCESTRAL)))
    faster = ratio(timings[ANCESTRAL].seconds, timings[DEFAULT].seconds)
    grid = every_sampler(tti, judge, options)
    kept = [
        claim(
            f"speed-up over {options.ancestral} ancestral steps, painting 64 digits",
            faster.median,
            NEEDED_RATIO,
            unit="x",
        ),
        claim(
            "success minus that of the ancestral steps, paired: lower end of the interval",
            pairs.interval[0],
            MARGIN,
        ),
    ]
    show(timings, pairs, grid)
    print_claims(kept)
    write_results(
        options.out,
        {
            "claims": kept,
            **painter(tti, judge, tti.settings().steps, options.seed),
            "pictures": options.pictures,
            "ancestral_steps": options.ancestral,
            "guidance": tti.settings().guidance[0],
            "sampler": tti.settings().sampler,
            "walks": {name: timing.as_dict(options.pictures) for name, timing in timings.items()},
            "times_as_fast": faster.as_dict(),
            "paired": pairs.as_dict(),
            "success": {name: tabulated(found).total.as_dict() for name, found in verdicts.items()},
            "samplers": grid,
        },
    )


def compared(
    tti: TextToImage, judge: JudgeNet, options: argparse.Namespace
) -> tuple[dict[str, Timing], dict[str, list[JudgedPicture]]]:
    """Run both samplers in alternation; returns the seconds per round and the judge's verdicts."""
    ways: dict[str, dict[str, Any]] = {
        DEFAULT: {},
        ANCESTRAL: {"sampler": "ddpm", "steps": options.ancestral, "interval": None},
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    verdicts: dict[str, list[JudgedPicture]] = {name: [] for name in ways}
    asked = spread(digit_cases(), options.pictures)
    finished(paint_cases(tti, asked[:1], 1, 0), "warm-up")
    for number in range(options.rounds):
        seed = options.seed + number * options.pictures
        for name in list(ways)[:: -1 if number % 2 else 1]:
            painted: list[Any] = []
            work = paint_cases(tti, asked, 1, seed, batch=options.pictures, **ways[name])
            title = f"{name}, round {number + 1} of {options.rounds}"
            seconds[name].append(timed(lambda w=work, t=title, p=painted: p.append(finished(w, t))))
            verdicts[name] += judged(judge, painted[0], asked)
            print(f"{title}: {seconds[name][-1]:.2f} s", flush=True)
    return {name: Timing(tuple(found)) for name, found in seconds.items()}, verdicts


def spread(some: list[PromptCase], n: int) -> list[PromptCase]:
    """`n` cases, repeating the given ones in order."""
    return [some[i % len(some)] for i in range(n)]


def every_sampler(
    tti: TextToImage, judge: JudgeNet, options: argparse.Namespace
) -> dict[str, dict[str, Any]]:
    """Success of each sampler at each number of steps, on the same prompts and seeds."""
    asked, grid = digit_cases(), dict[str, dict[str, Any]]()
    for sampler in SAMPLERS:
        grid[sampler] = {}
        for steps in options.steps:
            work = prompt_success(
                tti,
                judge,
                asked,
                options.n,
                options.seed,
                sampler=sampler,
                steps=steps,
                batch=options.pictures,
            )
            grid[sampler][str(steps)] = finished(work, f"{sampler}, {steps}").total.as_dict()
        print(f"{sampler}: { {k: v['share'] for k, v in grid[sampler].items()} }", flush=True)
    return grid


def show(timings: dict[str, Timing], pairs: Paired, grid: dict[str, dict[str, Any]]) -> None:
    """Print the seconds, the paired difference and the grid."""
    for name, timing in timings.items():
        print(f"{name:15} {timing.median:.2f} s")
    print(f"paired: {pairs.as_dict()}")
    for sampler, row in grid.items():
        print(f"{sampler:15}", *(f"{steps}: {one['share']:.1%}" for steps, one in row.items()))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--model", default="digits", help="a shipped model, a run or a model folder"
    )
    parser.add_argument("--judge", type=Path, default=shipped_judge_folder("digits"))
    parser.add_argument("--pictures", type=int, default=64, help="pictures per round, in one batch")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--ancestral", type=int, default=1000, help="ancestral steps to compare with"
    )
    parser.add_argument("--n", type=int, default=5, help="pictures per prompt and sampler")
    parser.add_argument("--steps", type=int, nargs="+", default=[5, 8, 10, 20, 50])
    parser.add_argument("--seed", type=int, default=0, help="seed of the first picture")
    parser.add_argument("--smoke", action="store_true", help="few pictures, few steps")
    parser.add_argument("--out", type=Path, default=RESULTS / "sampling.json")
    options = parsed(parser)
    if options.smoke:
        options.pictures, options.rounds, options.ancestral = 4, 2, 20
        options.n, options.steps = 1, [5]
    return options


if __name__ == "__main__":
    main()
