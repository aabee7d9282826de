"""Flowers from words: do species and petal colour match the prompt?

`python benchmarks/flowers_from_words.py`. Prompts request every species in every petal colour, in
varied wording, with one seed each. Two independent readers check the pictures: a judge with its own
architecture and seed, trained on flowers drawn with another seed, and an untrained program that
measures the petals' colour in the pixels. The accuracy of that program is measured on drawings.
"""

import argparse
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from compare_bridges import compare_bridges
from reporting import (
    IMAGES,
    RESULTS,
    claim,
    finished,
    painter,
    parsed,
    print_claims,
    print_counts,
    save_first_seeds,
    write_results,
)
from torch import Tensor

from ddpm_clip import TextToImage
from ddpm_clip.course.petal_colour import PetalMeter
from ddpm_clip.data.local.drawn_flowers import (
    BACKGROUNDS,
    CENTRES,
    FACTS,
    WITH_CENTRE,
    DrawnFlowers,
)
from ddpm_clip.data.pictures.pixels import load_pixels
from ddpm_clip.evaluation.judge.network import JudgeNet, shipped_judge_folder
from ddpm_clip.evaluation.prompts.cases import FLOWER_PHRASINGS, flower_case
from ddpm_clip.evaluation.prompts.success import (
    PromptCase,
    SuccessTable,
    count_success,
    paint_cases,
)
from ddpm_clip.utils.tensors import to_float

WITH_GROUND = (
    "a {petals} {species} on a {background} background",
    "a single {petals} {species} against a {background} background",
)
WITH_MIDDLE = (
    "a {petals} {species} with a {centre} center",
    "a {petals} {species}, its middle is {centre}",
)
DRAWN = 889
"""Seed of the drawings for the ceiling and the accuracy of the program; never used in training."""


def flower_cases(n: int, seed: int = 0) -> list[PromptCase]:
    """`n` different prompts: all species and petal colours equally often, in random wording."""
    rng = random.Random(f"flower prompts {seed}")
    pairs = [(species, petals) for species in FACTS["species"] for petals in FACTS["petals"]]
    made: dict[str, PromptCase] = {}
    while len(made) < n:
        species, petals = pairs[len(made) % len(pairs)]
        case = _case({"species": species, "petals": petals}, rng)
        made.setdefault(case.prompt, case)
    return list(made.values())


def _case(facts: dict[str, str], rng: random.Random) -> PromptCase:
    """One wording of the facts; four in ten also request a background or a centre."""
    wordings, more = FLOWER_PHRASINGS, rng.random()
    if more < 0.2:
        facts, wordings = facts | {"background": rng.choice(list(BACKGROUNDS))}, WITH_GROUND
    elif more < 0.4 and facts["species"] in WITH_CENTRE:
        facts, wordings = facts | {"centre": rng.choice(list(CENTRES))}, WITH_MIDDLE
    return flower_case(rng.choice(wordings), facts)


def main() -> None:
    options = _options()
    tti, judge = TextToImage.from_pretrained(options.model), JudgeNet.load(options.judge)
    how: dict[str, Any] = {"seed": options.seed, "steps": options.steps}
    asked = flower_cases(options.n)
    x = finished(paint_cases(tti, asked, 1, **how), "words")
    table, measured = count_success(judge, x, asked, options.seed), measure(x, asked)
    pixels, facts = drawings(tti.model.config.data.image_size.height)
    trust = measure(to_float(pixels), [PromptCase("drawn", one) for one in facts])
    few = asked[: options.n_compared]
    bridges = finished(
        compare_bridges(tti, judge, few, 1, pixels=pixels, facts=facts, **how), "bridges"
    )
    show(table, measured, trust, bridges)
    kept = claims(table, measured)
    print_claims(kept)
    write_results(
        options.out,
        {
            "claims": kept,
            **painter(tti, judge, options.steps, options.seed),
            "words": table.as_dict(),
            "petals_measured": measured.as_dict(),
            "petals_measured_on_drawings": trust.as_dict(),
            "bridges_and_ceiling": {name: one.as_dict() for name, one in bridges.items()},
            "failed_prompts": [name for name, count in table.prompts.items() if not count.success],
        },
    )
    if options.image:
        prompts = tti.model.config.generation.prompts
        save_first_seeds(tti, prompts, 8, options.image, **how)


def measure(x: Tensor, cases: Sequence[PromptCase]) -> SuccessTable:
    """Measure the petals' colour only, with the program that looks at pixels."""
    petals = [PromptCase(case.prompt, {"petals": case.facts["petals"]}) for case in cases]
    return count_success(PetalMeter(), x, petals)


def drawings(size: int) -> tuple[Tensor, list[dict[str, str]]]:
    """Pixels (n, 3, size, size) uint8 and facts of flowers that were never used in training."""
    source = DrawnFlowers(6000, size, DRAWN)
    pixels = load_pixels(source, size=size, channels=3)
    return torch.from_numpy(pixels.array), [source.facts(i) for i in pixels.indices]


def show(
    table: SuccessTable,
    measured: SuccessTable,
    trust: SuccessTable,
    bridges: dict[str, SuccessTable],
) -> None:
    """Print all measurements."""
    print_counts("Flowers from words", {"all facts": table.total} | table.attributes | table.values)
    colours = {"all": measured.total, "of drawings": trust.total} | measured.values
    print_counts("Petal colour measured in the pixels", colours)
    totals = {name: one.total for name, one in bridges.items()}
    print_counts("Bridges compared, all facts", totals)


def claims(table: SuccessTable, measured: SuccessTable) -> list[dict[str, Any]]:
    """The targets that a release must meet."""
    asked = table.attributes
    return [
        claim("requested petal colour, read by the judge", asked["petals"].share, 0.95),
        claim("requested petal colour, measured in the pixels", measured.total.share, 0.95),
        claim("requested species, read by the judge", asked["species"].share, 0.90),
    ]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--model", default="flowers", help="a shipped model, a run or a model folder"
    )
    parser.add_argument("--judge", type=Path, default=shipped_judge_folder("flowers"))
    parser.add_argument("--n", type=int, default=400, help="prompts, with one picture each")
    parser.add_argument("--n-compared", type=int, default=196, help="prompts per bridge")
    parser.add_argument("--steps", type=int, default=20, help="sampler steps")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first picture")
    parser.add_argument("--out", type=Path, default=RESULTS / "flowers_from_words.json")
    parser.add_argument("--image", type=Path, default=IMAGES / "flowers_from_words.png")
    parser.add_argument("--no-image", action="store_const", const=None, dest="image")
    return parsed(parser)


if __name__ == "__main__":
    main()
