"""Digits from words: does the shipped `digits` paint the requested digit?

    python benchmarks/digits_from_words.py --n 1000
    python benchmarks/digits_from_words.py --part agreement gate

The model was trained on image embeddings only; a judge with its own architecture, seed and training
reads what the model paints from words. Five parts with the same judge, each saved as soon as it is
finished: prompts as people write them, phrasings absent from the caption templates, five spellings
of a digit from the same noise, the course's test of fifty pictures repeated twenty times, and a
comparison of the bridges. The ceiling of the comparison is conditioned on the embedding of a real
picture of the requested digit (the test pictures of MNIST, located like the source `mnist`). With
`--second-judge FOLDER`, a judge that was used for nothing else, not even for choosing settings,
also reads the pictures of the first part.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from compare_bridges import compare_bridges
from parts import Facts, Parts
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
)
from spellings import PICTURES, agreement, gates
from torch import Tensor

from ddpm_clip import TextToImage
from ddpm_clip.data.captions.digit_words import DIGITS
from ddpm_clip.data.captions.grammars import facts_of
from ddpm_clip.data.pictures.pixels import load_pixels
from ddpm_clip.data.sources import open_source
from ddpm_clip.evaluation.judge.network import JudgeNet, shipped_judge_folder
from ddpm_clip.evaluation.prompts.cases import DIGIT_PHRASINGS, digit_cases
from ddpm_clip.evaluation.prompts.success import count_success, paint_cases

UNSEEN = (
    "could you paint a {word} please", "I want to see the number {numeral} today",
    "{numeral}, as a child would write it", "my favourite digit is {word}",
    "chalk on a blackboard: {numeral}", "a wobbly {word} drawn with a brush",
    "what does {numeral} look like?", "let there be {word}",
)  # fmt: skip
"""Phrasings absent from the caption templates, with the word or the numeral in them."""

WORDS, NEW, AGREEMENT, GATE = "words", "unseen_phrasings", "agreement", "gate"
BRIDGES, SHEET, SECOND = "bridges_and_ceiling", "image", "second_judge"
PARTS = (WORDS, NEW, AGREEMENT, GATE, BRIDGES)


def main() -> None:
    options = _options()
    tti, judge = TextToImage.from_pretrained(options.model), JudgeNet.load(options.judge)
    common = painter(tti, judge, options.steps, options.seed)
    parts = Parts(options.out, common, PARTS, claims)
    for name, (work, asked) in _works(tti, judge, options).items():
        if name not in (options.part or PARTS):
            continue
        if parts.has(name, **asked) and not (options.part or options.again):
            print(f"{name}: already measured")
            continue
        parts.measure(name, work, **asked)
    print_claims(parts.write())
    if options.image and SHEET in (options.part or [SHEET]):
        how = {"seed": options.seed, "steps": options.steps}
        save_first_seeds(tti, DIGITS, 10, options.image, **how)


def _works(
    tti: TextToImage, judge: JudgeNet, options: argparse.Namespace
) -> dict[str, tuple[Callable[[], Facts], Facts]]:
    """The work of each part, and its settings."""
    how: dict[str, Any] = {"steps": options.steps}
    n = -(-options.n // len(DIGIT_PHRASINGS))
    second = [JudgeNet.load(options.second_judge)] if options.second_judge else []
    judges = [judge, *second]
    return {
        WORDS: (
            lambda: words(tti, judges, DIGIT_PHRASINGS, n, options.seed, **how),
            {"n_a_prompt": n, "judges": [one.card.get("seed") for one in judges]},
        ),
        NEW: (
            lambda: words(tti, [judge], UNSEEN, options.n_unseen, options.seed, **how),
            {"n_a_prompt": options.n_unseen},
        ),
        AGREEMENT: (
            lambda: agreement(tti, judge, options.n_agreement, options.seed, **how),
            {"seeds_a_digit": options.n_agreement},
        ),
        GATE: (
            lambda: gates(tti, judge, options.gates, options.seed, **how),
            {"gates": options.gates},
        ),
        BRIDGES: (
            lambda: bridges(tti, judge, options.n_compared, options.seed, **how),
            {"n_a_prompt": options.n_compared},
        ),
    }


def words(
    tti: TextToImage,
    judges: Sequence[JudgeNet],
    phrasings: tuple[str, ...],
    n: int,
    seed: int,
    **how: Any,
) -> Facts:
    """Paint and judge `n` pictures of every digit in every phrasing, each with its own seed."""
    asked = digit_cases(phrasings=phrasings)
    x = finished(paint_cases(tti, asked, n, seed, **how), "words")
    table, *others = (count_success(judge, x, asked, seed) for judge in judges)
    print_counts("Digits from words", {"all": table.total} | table.values)
    worst = dict(sorted(table.prompts.items(), key=lambda item: item[1].share)[:5])
    print_counts("The five worst prompts", worst)
    facts = table.as_dict(prompts=True)
    for judge, other in zip(judges[1:], others, strict=True):
        print_counts(f"By another judge (seed {judge.card.get('seed')})", {"all": other.total})
        facts[SECOND] = {"judge": judge.card, **other.as_dict()}
    return facts


def bridges(tti: TextToImage, judge: JudgeNet, n: int, seed: int, **how: Any) -> Facts:
    """Paint from the same noise with every bridge, and with embeddings of real pictures."""
    pixels, facts = real_pictures(tti.model.config.data.image_size.height)
    work = compare_bridges(tti, judge, digit_cases(), n, seed, pixels=pixels, facts=facts, **how)
    found = finished(work, "bridges")
    print_counts("Bridges compared", {name: one.total for name, one in found.items()})
    return {name: one.as_dict() for name, one in found.items()}


def real_pictures(size: int) -> tuple[Tensor, list[dict[str, str]]]:
    """Test pictures of MNIST (n, 1, size, size) uint8 and their digits, for the ceiling."""
    source = open_source("mnist", split="test")
    pixels = load_pixels(source, size=size, channels=1)
    return torch.from_numpy(pixels.array), [facts_of(source, i) for i in pixels.indices]


def claims(found: Mapping[str, Any]) -> list[Facts]:
    """The targets that a release must meet, for the finished parts."""
    kept = []
    if WORDS in found:
        kept += _words_claims(found[WORDS], "the judge", "")
        if SECOND in found[WORDS]:
            second = found[WORDS][SECOND]
            kept += _words_claims(second, "a judge used for nothing else", ", by that judge")
    if NEW in found:
        new = found[NEW]["total"]["share"]
        kept.append(claim("requested in phrasings that no caption template contains", new, 0.97))
    if AGREEMENT in found:
        same = found[AGREEMENT]["same"]
        worst = min(same["digits"].items(), key=lambda item: item[1]["share"])
        kept += [
            claim("five spellings of a digit are read alike", same["total"]["share"], 0.97),
            claim(f"the same for every digit (lowest: {worst[0]})", worst[1]["share"], 0.97),
        ]
    if GATE in found:
        gate = found[GATE]
        kept.append(
            claim(
                f"the course's test of {PICTURES} pictures passes",
                gate["passed"],
                0.95 * gate["n"],
                unit=f"of {gate['n']}",
            )
        )
    return kept


def _words_claims(read: Mapping[str, Any], judge: str, by: str) -> list[Facts]:
    name, worst = min(read["values"].items(), key=lambda item: item[1]["share"])
    lowest = name.removeprefix("digit: ")
    return [
        claim(f"{judge} reads the requested digit", read["total"]["share"], 0.99),
        claim(f"the same for every digit{by} (lowest: {lowest})", worst["share"], 0.97),
    ]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--model", default="digits", help="a shipped model, a run or a model folder"
    )
    parser.add_argument("--judge", type=Path, default=shipped_judge_folder("digits"))
    parser.add_argument("--second-judge", type=Path, help="folder, from scripts/train_judge.py")
    only = "only these parts, even if finished; by default all unfinished ones"
    parser.add_argument("--part", nargs="+", choices=[*PARTS, SHEET], help=only)
    parser.add_argument("--again", action="store_true", help="measure finished parts again")
    parser.add_argument("--n", type=int, default=1000, help="pictures per digit, in four phrasings")
    parser.add_argument("--n-unseen", type=int, default=8, help="pictures per unseen phrasing")
    parser.add_argument(
        "--n-agreement", type=int, default=100, help="seeds per digit, spelt five ways"
    )
    parser.add_argument("--gates", type=int, default=20, help=f"repetitions of {PICTURES} pictures")
    parser.add_argument("--n-compared", type=int, default=12, help="pictures per prompt and bridge")
    parser.add_argument("--steps", type=int, default=20, help="sampler steps")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first picture")
    parser.add_argument("--out", type=Path, default=RESULTS / "digits_from_words.json")
    parser.add_argument("--image", type=Path, default=IMAGES / "digits_from_words.png")
    parser.add_argument("--no-image", action="store_const", const=None, dest="image")
    return parsed(parser)


if __name__ == "__main__":
    main()
