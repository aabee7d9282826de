"""The shipped models compared with real pictures: distances, variety, copies, transfer.

`python benchmarks/beside_real.py` (MNIST is located like the source `mnist`; flowers are drawn).
Runs all of `ddpm-clip evaluate` on each shipped model, then measures the variety of every bridge:
a bridge that always paints a prompt in the same style can be just as accurate, but is poorer.
"""

import argparse
from pathlib import Path
from typing import Any

from parts import Parts
from reporting import RESULTS, claim, finished, parsed, print_claims

from ddpm_clip import TextToImage
from ddpm_clip.evaluation.judge.network import JudgeNet, shipped_judge_folder
from ddpm_clip.evaluation.metrics.diversity import diversity
from ddpm_clip.evaluation.metrics.features import judge_features
from ddpm_clip.evaluation.prompts.cases import cases_of
from ddpm_clip.evaluation.prompts.success import paint_cases
from ddpm_clip.evaluation.report.evaluate import Request, evaluate
from ddpm_clip.evaluation.report.formats.files import as_json
from ddpm_clip.evaluation.report.real_pictures import real_pictures

NAMES = ("digits", "flowers")
BRIDGES = ("shift", "knn", "prior")
VARIETY = "variety of digits by bridge"

FRECHET, COVERAGE = "Fréchet distance", "coverage"
AT_MOST, COVERED = 3.0, 0.85
"""Largest Fréchet distance relative to that of real pictures; lowest coverage."""

WANTED = ("success", "distances", "diversity", "two_sample", "transfer", "copies", "retrieval")


def main() -> None:
    options = _options()
    common = {"seeds": f"one a picture, {options.seed} and up", "n_a_prompt": options.n}
    parts = Parts(options.out, common, [*NAMES, VARIETY], claims)
    for name in NAMES:
        if name in options.again or not parts.has(name, n=options.n):
            parts.measure(name, lambda name=name: whole(name, options.n, options.seed), n=options.n)
    if VARIETY in options.again or not parts.has(VARIETY, n=options.n):
        parts.measure(VARIETY, lambda: variety("digits", options.n, options.seed), n=options.n)
    print_claims(parts.write())


def whole(name: str, n: int, seed: int) -> dict[str, Any]:
    """Everything that `evaluate` measures on a model, as `{part: [figures]}`."""
    tti = TextToImage.from_pretrained(name)
    found = as_json(finished(evaluate(tti, Request(n=n, settings={"seed": seed})), name))
    figures = {part: found["parts"][part]["figures"] for part in WANTED if part in found["parts"]}
    return {
        "model_fingerprint": tti.model.fingerprint,
        "bridge": found["model"]["bridge"],
        "figures": figures,
        "not_measured": sorted(found["not_measured"]),
    }


def variety(name: str, n: int, seed: int) -> dict[str, Any]:
    """Mean distance of two pictures of the same digit, by bridge, and of two real ones."""
    tti, judge = TextToImage.from_pretrained(name), JudgeNet.load(shipped_judge_folder(name))
    config = tti.model.config
    real = finished(real_pictures(config.data, tti.model.folder), "real pictures").unseen
    asked = cases_of(judge.attributes)
    groups = [case.facts["digit"] for case in asked for _ in range(n)]
    theirs = judge_features(judge, real.pixels)
    found: dict[str, Any] = {}
    for bridge in BRIDGES:
        x = finished(paint_cases(tti, asked, n, seed, bridge=bridge), bridge)
        spread = diversity(
            judge_features(judge, x), groups, theirs, [one["digit"] for one in real.facts]
        )
        ours = [one.painted for one in spread.groups.values()]
        found[bridge] = {
            "ratio": round(spread.ratio, 4),
            "n": len(x),
            "mean_distance": round(sum(ours) / len(ours), 3),
        }
        real_ones = [one.real for one in spread.groups.values()]
        found["real"] = {"mean_distance": round(sum(real_ones) / len(real_ones), 3), "n": len(real)}
        print(bridge, found[bridge], flush=True)
    return found


def claims(found: dict[str, Any]) -> list[dict[str, Any]]:
    """The targets that a release of `digits` must meet."""
    figures = found.get("digits", {}).get("figures", {}).get("distances", [])
    kept = []
    for name, one in {one["name"]: one for one in figures}.items():
        if name.startswith(FRECHET):
            kept.append(
                claim(
                    "digits: Fréchet distance (own features), relative to that of real digits",
                    one["value"] / one["real"],
                    AT_MOST,
                    at_most=True,
                    unit="x",
                )
            )
        if name.startswith(COVERAGE):
            kept.append(claim("digits: coverage of real digits", one["value"], COVERED))
    return kept


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=25, help="pictures per prompt")
    every = [*NAMES, VARIETY]
    again = "measure these finished parts again"
    parser.add_argument("--again", nargs="+", choices=every, default=[], help=again)
    parser.add_argument("--seed", type=int, default=0, help="seed of the first picture")
    parser.add_argument("--out", type=Path, default=RESULTS / "beside_real.json")
    return parsed(parser)


if __name__ == "__main__":
    main()
