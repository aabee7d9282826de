"""How often an analysis passes although there is nothing to find: all nulls, for all analyses.

The claims of docs/explanations.md: of at least 200 null runs at most 5 % pass, and the analyses do
pass on the targets that the nulls were made from.

    python benchmarks/null_verdicts.py                     all of it (an hour or two)
    python benchmarks/null_verdicts.py --runs 10 --model planted --analyses trajectory
"""

import argparse
import itertools
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reporting import RESULTS, claim, parsed, print_claims, write_results
from rich.console import Console
from rich.table import Table

from ddpm_clip.explain import EXPLANATIONS, AnalysisTarget, target_of
from ddpm_clip.explain.report.run_all import chosen
from ddpm_clip.explain.target.nulls import NULLS, SPARED, nulls_of
from ddpm_clip.explain.target.planted import planted_target
from ddpm_clip.statistics.intervals import wilson
from ddpm_clip.utils.generators import finish

PROMPTS = {
    "planted": ("a two", "the seven", "a picture of a nine"),
    "digits": ("a six", "a photo of the digit three", "eight"),
}
VERDICTS = ("pass", "fail", "inconclusive")
RUNS, SEEDS = 240, 8
FALSE_PASSES, PASSES = 0.05, 0.8


def targets(model: str, seeds: int) -> list[AnalysisTarget]:
    """One target per prompt."""
    asked = PROMPTS.get(model, PROMPTS["digits"])
    if model == "planted":
        return [planted_target(prompt, range(seeds)) for prompt in asked]
    return [target_of(model, prompt, seeds) for prompt in asked]


def judged(analysis: str, target: AnalysisTarget) -> str:
    """The verdict of a quick run."""
    return finish(EXPLANATIONS[analysis](target, quick=True)).verdict


def measured(
    names: Sequence[str], models: Sequence[str], runs: int, seeds: int
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return (null runs, true runs), one dict per run.

    Null runs cycle through all combinations of analysis, null and model until there are enough,
    with another prompt and another draw of the null each time.
    """
    asked = {model: targets(model, seeds) for model in models}
    true = [
        told(name, "", model, target, 0, judged(name, target))
        for name, model in itertools.product(names, models)
        for target in asked[model]
    ]
    cells = [(name, null, model) for model in models for name in names for null in nulls_of(name)]
    found: list[dict[str, Any]] = []
    for number in range(max(runs, len(cells))):
        name, null, model = cells[number % len(cells)]
        draw = number // len(cells)
        target = asked[model][draw % len(asked[model])]
        verdict = judged(name, NULLS[null](target, draw))
        found.append(told(name, null, model, target, draw, verdict))
        print(f"{number + 1}/{max(runs, len(cells))} {model} {name} {null}: {verdict}", flush=True)
    return found, true


def told(
    name: str, null: str, model: str, target: AnalysisTarget, draw: int, verdict: str
) -> dict[str, Any]:
    return {
        "analysis": name,
        "null": null,
        "model": model,
        "prompt": target.prompt,
        "draw": draw,
        "verdict": verdict,
    }


def table(runs: Sequence[dict[str, Any]], key: str) -> dict[str, dict[str, int]]:
    """Count the verdicts by one of the facts of a run."""
    values = dict.fromkeys(str(one[key]) for one in runs)
    counts = {
        value: Counter(one["verdict"] for one in runs if one[key] == value) for value in values
    }
    return {
        value: {verdict: count[verdict] for verdict in VERDICTS} for value, count in counts.items()
    }


def summary(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The share that passed, with its interval."""
    passed = sum(one["verdict"] == "pass" for one in runs)
    low, high = wilson(passed, len(runs))
    return {
        "n": len(runs),
        "pass": passed,
        "share": passed / max(1, len(runs)),
        "interval_95": [round(low, 4), round(high, 4)],
    }


def main() -> None:
    options = _options()
    names = chosen(options.analyses.split(",") if options.analyses else None)
    start = time.perf_counter()
    nulls, true = measured(
        names, options.model or ["planted", "digits"], options.runs, options.seeds
    )
    claims = [
        claim("null runs that pass", summary(nulls)["share"], FALSE_PASSES, at_most=True),
        claim("runs on the targets themselves that pass", summary(true)["share"], PASSES),
    ]
    _print("null runs", table(nulls, "analysis"))
    _print("null runs", table(nulls, "null"))
    _print("runs on the targets themselves", table(true, "analysis"))
    print_claims(claims)
    write_results(
        options.out,
        {
            "claims": claims,
            "seconds": round(time.perf_counter() - start),
            "seeds": options.seeds,
            "quick": True,
            "nulls": summary(nulls),
            "true": summary(true),
            "nulls_by_analysis": table(nulls, "analysis"),
            "nulls_by_null": table(nulls, "null"),
            "nulls_by_model": table(nulls, "model"),
            "true_by_analysis": table(true, "analysis"),
            "spared": {name: list(SPARED.get(name, ())) for name in names},
            "false_passes": [one for one in nulls if one["verdict"] == "pass"],
            "true_that_did_not_pass": [one for one in true if one["verdict"] != "pass"],
        },
    )


def _print(title: str, counts: dict[str, dict[str, int]]) -> None:
    shown = Table(title=title, title_justify="left")
    for column in ("", *VERDICTS):
        shown.add_column(column, justify="right" if column else "left", no_wrap=True)
    for name, row in counts.items():
        shown.add_row(name, *(str(row[verdict]) for verdict in VERDICTS))
    Console(width=110).print(shown)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=RUNS, help="null runs, at least one per case")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="pictures per run")
    parser.add_argument("--analyses", help="NAME[,NAME...]; by default all")
    parser.add_argument("--model", action="append", help="planted, or a shipped model")
    parser.add_argument("--out", type=Path, default=RESULTS / "null_verdicts.json")
    return parsed(parser)


if __name__ == "__main__":
    main()
