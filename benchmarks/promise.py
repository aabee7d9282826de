"""The promise: a folder without captions in, pictures from words out.

    python benchmarks/promise.py
    python benchmarks/promise.py --embedder openai/clip-vit-base-patch32 --source photos/

The pictures (by default CIFAR-10, located through DDPM_CLIP_DATA) are dealt into disjoint packs. A
mini-CLIP learns class names from one; with `--embedder`, a pretrained CLIP takes its place. The
denoiser sees another pack, which holds nothing but pictures. A judge learns from a third, and may
only judge if it reads enough of the real test pictures. The denoiser trains once, and is measured
on the way: `--minutes` are minutes on two idle cores (`promise_training.py`). Everything goes on
where it was stopped.
"""

import argparse
from collections.abc import Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from compare_bridges import CEILING
from labelled import Facts, Pictures, asked, copies_part, measure_parts, real_part
from paired import Paired
from parts import Parts
from promise_data import Packs, cifar10, deal
from promise_training import PACE_STEPS, UNTIMED, Budget, at_step, budget_of, denoiser, strong_judge
from recipes import mini_clip
from reporting import (
    IMAGES,
    RESULTS,
    ROOT,
    claim,
    counted,
    finished,
    painter,
    parsed,
    print_claims,
    save_first_seeds,
)
from strong_judge import StrongJudge, labelled
from torch import Tensor

from ddpm_clip import TextToImage
from ddpm_clip.evaluation.metrics.against_real import beside_real
from ddpm_clip.evaluation.metrics.features import judge_features
from ddpm_clip.evaluation.prompts.ceiling import from_pictures
from ddpm_clip.evaluation.prompts.success import PromptCase, count_success, judged, paint_cases
from ddpm_clip.types import Embedder
from ddpm_clip.utils.tensors import to_float

PHRASINGS = ("{x}", "a photo of {x}")
READS = 0.85
"""Share of real test pictures that a judge has to read before it may judge painted ones."""

IDENTITY = "identity"
METRICS = ("frechet", "kid", "manifold")
PARTS = ("real", "zero_shot", "words", "bridges", "beside_real", "copies", "growth")
SHEET = 12
"""Pictures of each class on the sheet: the first seeds."""


def main() -> None:
    options = _options()
    packs = deal(options.source, options.image_size, options.work / "data")
    judge = strong_judge(packs, options.work / "judge")
    check_judge(judge)
    changes = [*options.set, *_embedder(options, packs)]
    changes += [f"data.source={packs.denoiser}", f"data.image_size={options.image_size}"]
    minutes = tuple(sorted(options.minutes))
    budget = budget_of(options.config, changes, options.work, minutes, options.cores)
    folder = options.work / "denoiser"
    spent = denoiser(options.config, changes, folder, budget, options.processes or options.cores)
    tti = TextToImage.from_pretrained(str(folder))
    common = painter(tti, judge, options.steps, options.seed) | {
        "embedder": options.embedder or "mini_clip, trained by this program",
        "dealt": packs.facts,
        "training": told(tti, budget, spent),
    }
    measured = Promise(tti, judge, labelled(packs.test, "test"), options.seed, options.steps)
    parts = Parts(options.out, common, PARTS, claims)
    measure_parts(parts, works(measured, packs, budget, folder, options), options.part)
    print_claims(parts.write())
    if options.image:
        how = {"steps": options.steps, "seed": options.seed}
        save_first_seeds(tti, measured.words, SHEET, options.image, **how)


class Promise:
    """What is asked of a model, and how its pictures are read.

    Args:
        tti: the model.
        judge: trained on pictures that neither the model nor its CLIP has seen.
        real: pixels (n, c, h, w) uint8 of test pictures, and their facts.
        seed: seed of the first picture.
        steps: sampler steps.
    """

    def __init__(self, tti: TextToImage, judge: StrongJudge, real: Pictures, seed: int, steps: int):
        self.tti, self.judge, self.real, self.seed, self.steps = tti, judge, real, seed, steps
        self.names = {name: in_words(name) for name in judge.classes}
        self.words = list(self.names.values())
        self.cases = asked(self.names, PHRASINGS)

    @cache  # noqa: B019 - one object a program
    def words_painted(self, n: int) -> Tensor:
        """Pictures (cases * n, c, h, w) of every prompt, painted as the run would by itself."""
        return self.paint(self.tti, n, "words")

    def paint(self, tti: TextToImage, n: int, title: str, **how: Any) -> Tensor:
        """Pictures (cases * n, c, h, w) of every prompt; equal calls have equal noise."""
        work = paint_cases(tti, self.cases, n, self.seed, steps=self.steps, **how)
        return finished(work, title)

    def success(self, x: Tensor) -> dict[str, Any]:
        """Success by prompt and class."""
        return count_success(self.judge, x, self.cases, self.seed).as_dict(prompts=True)

    def outcomes(self, x: Tensor) -> list[bool]:
        """Whether each picture is a success."""
        n = len(x) // len(self.cases)
        wanted = [case for case in self.cases for _ in range(n)]
        return [
            one.success
            for part, cases in zip(x.split(250), _split(wanted, 250), strict=True)
            for one in judged(self.judge, part, cases)
        ]

    def bridges(self, n: int) -> dict[str, Any]:
        """Every bridge beside `identity`, on the same noise, and embeddings of real pictures."""
        conditions = from_pictures(self.tti, *self.real, self.cases)
        ways: dict[str, dict[str, Any]] = {
            name: {"bridge": name} for name in self.tti.model.conditioner.bridges
        }
        ways[CEILING] = {"conditions": conditions}
        read = {
            name: self.outcomes(self.paint(self.tti, n, name, **how)) for name, how in ways.items()
        }
        table = {
            name: counted(one) | {"minus_identity": Paired.of(one, read[IDENTITY]).as_dict()}
            for name, one in read.items()
        }
        for name, one in table.items():
            print(f"{name}: {one['share']:.1%}, minus identity {one['minus_identity']}")
        return {"chosen": self.tti.model.config.conditioning.bridge, "table": table}

    def beside(self, x: Tensor) -> dict[str, Any]:
        """Distances of pictures from real ones, in the judge's features, and real from real."""
        rows = judge_features(self.judge, x), judge_features(self.judge, self.real[0])
        return {
            name: one.as_dict()
            for metric in METRICS
            for name, one in finished(beside_real(metric, *rows), metric).items()
        }

    def zero_shot(self) -> dict[str, Any]:
        """How often the CLIP itself names a real test picture, in each phrasing."""
        embedder, (pixels, facts) = self.tti.model.embedder, self.real
        truth = [one["label"] for one in facts]
        return {
            phrasing: counted(named_right(embedder, pixels, truth, self.names, phrasing))
            for phrasing in PHRASINGS
        }

    def growth(self, folder: Path, budget: Budget, n: int) -> dict[str, Any]:
        """Success and distances after each number of minutes of the one training."""
        found = {}
        for minutes, step in zip(budget.minutes, budget.steps, strict=True):
            x = self.paint(at_step(folder, step), n, f"{minutes} minutes")
            total = self.success(x)["total"]
            print(f"after {minutes} minutes, {step} steps: {total}")
            found[str(minutes)] = {"steps": step, "success": total, "beside_real": self.beside(x)}
        return found


def works(
    promise: Promise, packs: Packs, budget: Budget, folder: Path, options: argparse.Namespace
) -> dict[str, Any]:
    """The work of each part, and its settings."""
    n, few = {"n_a_prompt": options.n}, {"n_a_prompt": options.n_few}

    def copies() -> dict[str, Any]:
        with np.load(packs.denoiser, allow_pickle=False) as pack:
            train = torch.from_numpy(pack["train_images"]).permute(0, 3, 1, 2)
        mirrored = bool(promise.tti.model.config.data.flip)
        return copies_part(promise.words_painted(options.n), train, promise.real[0], mirrored)

    def words() -> dict[str, Any]:
        return promise.success(promise.words_painted(options.n))

    return {
        "real": (lambda: real_part(promise.judge, promise.real), {}),
        "zero_shot": (promise.zero_shot, {}),
        "words": (words, n),
        "bridges": (partial(promise.bridges, options.n_few), few),
        "beside_real": (lambda: promise.beside(promise.words_painted(options.n)), n),
        "copies": (copies, n),
        "growth": (partial(promise.growth, folder, budget, options.n_few), few),
    }


def check_judge(judge: StrongJudge) -> None:
    """Refuse a judge that misreads too many real pictures that it never saw.

    Raises:
        SystemExit: it reads fewer than `READS`.
    """
    reads = judge.card["figures"]["accuracy"]["label"]
    print(f"the judge reads {reads:.1%} of {judge.card['figures']['n']} real test pictures")
    if reads < READS:
        raise SystemExit(f"it may not judge: {READS:.0%} are needed. Nothing was measured.")


def told(tti: TextToImage, budget: Budget, spent: Mapping[str, Any]) -> dict[str, Any]:
    """How long the denoiser trained, for the JSON."""
    return {
        "minutes": list(budget.minutes),
        "meaning": f"minutes on {budget.cores} idle cores, counted in seconds of a core because "
        f"other programs ran as well: a step costs {budget.cpu_seconds_a_step} of them (median of "
        f"{PACE_STEPS - UNTIMED} steps, measured beforehand). It is one training, measured on the "
        "way; its learning rate falls towards the end",
        "cores": budget.cores,
        "cpu_seconds_a_step": budget.cpu_seconds_a_step,
        "steps": list(budget.steps),
        "spent": dict(spent),
        "parameters": sum(one.numel() for one in tti.model.network.parameters()),
    }


def claims(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The targets: a judge that can read, and a bridge that is worth its name."""
    kept = []
    if "real" in found:
        total = found["real"]["total"]
        text = "the judge reads real test pictures, none of which it was trained on"
        kept.append(claim(text, total["read"] / total["n"], READS))
    if "bridges" in found and "words" in found:
        bridge = found["bridges"]["chosen"]
        low = found["bridges"]["table"][bridge]["minus_identity"]["interval_95"][0]
        text = f"success of the bridge that `auto` chose (`{bridge}`) minus identity, paired"
        kept.append(claim(f"{text}: lower end of the interval", low, 0.0))
    return kept


def named_right(
    embedder: Embedder, pixels: Tensor, truth: Sequence[str], names: Facts, phrasing: str
) -> list[bool]:
    """Whether the words most similar to each picture (n, c, h, w) uint8 name its class."""
    with torch.no_grad():
        texts = embedder.embed_texts([phrasing.format(x=words) for words in names.values()])
        images = torch.cat([embedder.embed_pixels(to_float(x)) for x in pixels.split(250)])
        chosen = (images.cpu().float() @ texts.cpu().float().T).argmax(1).tolist()
    classes = list(names)
    return [classes[i] == label for i, label in zip(chosen, truth, strict=True)]


def in_words(label: str) -> str:
    """A class name as a person would ask for it.

    >>> in_words("airplane"), in_words("truck"), in_words("tabby_cat")
    ('an airplane', 'a truck', 'a tabby cat')
    """
    name = label.replace("_", " ")
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


def _embedder(options: argparse.Namespace, packs: Packs) -> list[str]:
    """The CLIP of the denoiser: the one that was named, or a mini-CLIP, trained here."""
    if options.embedder:
        return ["embedder.name=transformers_clip", f"embedder.model={options.embedder}"]
    folder, size = options.work / "clip", f"data.image_size={options.image_size}"
    mini_clip(options.config, folder, [*options.set, f"data.source={packs.clip}", size])
    return ["embedder.name=mini_clip", f"embedder.model={folder}"]


def _split(rows: Sequence[PromptCase], size: int) -> list[Sequence[PromptCase]]:
    return [rows[i : i + size] for i in range(0, len(rows), size)]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", default=cifar10(), help="pictures with a class each")
    parser.add_argument("--embedder", help="hub id or folder of a pretrained CLIP or SigLIP")
    parser.add_argument("--image-size", type=int, default=32, help="side in pixels")
    parser.add_argument("--minutes", type=int, nargs="+", default=[5, 15, 45])
    parser.add_argument("--cores", type=int, default=2, help="idle cores that these are meant for")
    parser.add_argument("--processes", type=int, help="of the training; default: one a core")
    parser.add_argument("--config", type=Path, default=ROOT / "config" / "promise.yaml")
    parser.add_argument("--set", action="append", default=[], help="KEY=VALUE, for the recipe")
    parser.add_argument("--work", type=Path, help="folder for packs and networks")
    parser.add_argument("--part", nargs="+", choices=PARTS, help="only these, even if finished")
    parser.add_argument(
        "--again", action="store_const", const=PARTS, dest="part", help="measure all parts again"
    )
    parser.add_argument("--n", type=int, default=50, help="pictures per prompt")
    parser.add_argument("--n-few", type=int, default=25, help="the same, per bridge and minutes")
    parser.add_argument("--steps", type=int, default=20, help="sampler steps")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first picture")
    parser.add_argument("--out", type=Path, help="default: results/promise.json")
    parser.add_argument("--image", type=Path, help="default: docs/images/promise.png")
    parser.add_argument("--no-image", action="store_true")
    options = parsed(parser)
    name = "promise_pretrained" if options.embedder else "promise"
    options.work = options.work or Path("runs") / name
    options.out = options.out or RESULTS / f"{name}.json"
    options.image = None if options.no_image else options.image or IMAGES / f"{name}.png"
    return options


if __name__ == "__main__":
    main()
