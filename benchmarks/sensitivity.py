"""What the digits depend on: the sensitivity study of an earlier project, with n and intervals.

`python benchmarks/sensitivity.py`. Four questions: whether "two", "number two" and "2" mean the
same; what "dog", which is not a digit, gives; the effect of guidance and the number of steps; and
the effect of T = 20 or T = 1000 timesteps and a cosine or linear schedule, on small
class-conditional models that are otherwise trained identically, from the same seed. An independent
judge reads the pictures, or rejects them.
"""

import argparse
from collections import Counter
from pathlib import Path
from typing import Any

from ours import changed, recipe
from reporting import RESULTS, finished, painter, parsed, print_counts, write_results

from ddpm_clip import TextToImage
from ddpm_clip.config.schema import Config
from ddpm_clip.evaluation.judge.network import JudgeNet, shipped_judge_folder
from ddpm_clip.evaluation.prompts.cases import WORD, digit_cases
from ddpm_clip.evaluation.prompts.success import (
    Count,
    PromptCase,
    count_success,
    judged,
    paint_cases,
)
from ddpm_clip.runs.run import Run
from ddpm_clip.training.loop import train
from ddpm_clip.training.prepare.preparation import prepare
from ddpm_clip.training.prepare.start import start_run

ALL = digit_cases(phrasings=[WORD])
TWO = ("two", "number two", "2")
GRADIENT = {"unconditional": True, "clip_guidance": 1.0}
WAYS: dict[str, dict[str, Any]] = {"by condition": {}, "by gradient": GRADIENT}
SCALES = (0.0, 1.0, 2.0, 4.0, 8.0)
SOLVERS = {"ddpm": (20, 100, 1000), "dpmpp_2m": (5, 10, 20)}
TRAINED = {
    "cosine, T = 1000": {"diffusion.schedule": "cosine", "diffusion.timesteps": 1000},
    "linear, T = 1000": {"diffusion.schedule": "linear", "diffusion.timesteps": 1000},
    "cosine, T = 20": {"diffusion.schedule": "cosine", "diffusion.timesteps": 20},
    "linear, T = 20": {"diffusion.schedule": "linear", "diffusion.timesteps": 20},
}
Rows = dict[str, Count]


def main() -> None:
    options = _options()
    tti, judge = TextToImage.from_pretrained(options.model), JudgeNet.load(options.judge)
    parts: dict[str, Rows] = {
        "words for two": wordings(tti, judge, options),
        "guidance scale": {
            f"s = {s:g}": success(tti, judge, options.n, guidance=s) for s in SCALES
        },
        "steps": steps(tti, judge, options),
    }
    strange = {name: dog(tti, judge, options, way) for name, way in WAYS.items()}
    if not options.no_training:
        parts["trained alike but for the schedule"] = trained(judge, options)
    for title, rows in parts.items():
        print_counts(title, rows)
    print(strange)
    write_results(
        options.out,
        {
            **painter(tti, judge, 20, options.seed),
            "dog": strange,
            "tables": {
                title: {k: v.as_dict() for k, v in rows.items()} for title, rows in parts.items()
            },
        },
    )


def success(tti: TextToImage, judge: JudgeNet, n: int, **how: Any) -> Count:
    """Paint `n` pictures per digit, and count how many show it."""
    x = finished(paint_cases(tti, ALL, n, **how), str(how)[:60])
    return count_success(judge, x, ALL).total


def wordings(tti: TextToImage, judge: JudgeNet, options: argparse.Namespace) -> Rows:
    """One digit in three wordings, by condition and by gradient, always from the same noise."""
    found = {}
    for name, way in WAYS.items():
        for text in TWO:
            asked = [PromptCase(text, {"digit": "two"})]
            x = finished(paint_cases(tti, asked, 10 * options.n, options.seed, **way), text)
            found[f"“{text}” {name}"] = count_success(judge, x, asked).total
    return found


def dog(
    tti: TextToImage, judge: JudgeNet, options: argparse.Namespace, way: dict[str, Any]
) -> dict[str, Any]:
    """What the judge reads in pictures of something the model never saw, or whether it rejects."""
    asked = [PromptCase("dog", {})]
    x = finished(paint_cases(tti, asked, 10 * options.n, options.seed, **way), "dog")
    rejected = sum(one.rejected for one in judged(judge, x, asked * len(x)))
    read = Counter(judge.read(x)["digit"].labels)
    refused = Count(len(x), rejected, rejected, rejected)
    return {"rejected": refused.as_dict(), "read_as": dict(read.most_common())}


def steps(tti: TextToImage, judge: JudgeNet, options: argparse.Namespace) -> Rows:
    """The same model at other numbers of steps; fewer pictures at a thousand steps."""
    return {
        f"{sampler}, {k} steps": success(
            tti, judge, options.n if k <= 100 else options.n_slow, sampler=sampler, steps=k
        )
        for sampler, ks in SOLVERS.items()
        for k in ks
    }


def trained(judge: JudgeNet, options: argparse.Namespace) -> Rows:
    """Class-conditional models that differ only in their schedule, judged at 20 steps each."""
    found: Rows = {}
    for name, changes in TRAINED.items():
        more = {
            "training.steps": options.train_steps,
            "training.sample_every": 0,
            "training.animation": False,
            "training.device": "cpu",
        }
        config = changed(recipe("classes"), more | changes)
        folder = options.work / name.replace(" ", "").replace("=", "").replace(",", "-")
        tti = TextToImage.from_pretrained(str(finished_run(folder, config).folder))
        for sampler in ("ddpm", "dpmpp_2m"):
            count = success(tti, judge, options.n, sampler=sampler, steps=20, guidance=1.0)
            found[f"{name}, {sampler}, 20 steps"] = count
    return found


def finished_run(folder: Path, config: Config) -> Run:
    """Train a run to its end, resuming an earlier one."""
    run = start_run(folder, config)
    with run.writing():
        data = finished(prepare(run), folder.name)
        for step in train(run, data):
            if step.step % 100 == 0:
                print(f"{folder.name}: {step.step}, loss {step.loss:.4f}", flush=True)
    return run


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--model", default="digits", help="a shipped model, a run or a model folder"
    )
    parser.add_argument("--judge", type=Path, default=shipped_judge_folder("digits"))
    parser.add_argument("--n", type=int, default=10, help="pictures per digit, for most rows")
    parser.add_argument("--n-slow", type=int, default=2, help="pictures per digit at 1000 steps")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first picture")
    parser.add_argument("--train-steps", type=int, default=400, help="steps of the small models")
    parser.add_argument("--no-training", action="store_true", help="skip the small models")
    parser.add_argument("--work", type=Path, default=Path("runs/sensitivity"))
    parser.add_argument("--out", type=Path, default=RESULTS / "sensitivity.json")
    return parsed(parser)


if __name__ == "__main__":
    main()
