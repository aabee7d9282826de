"""Digits from words: does the shipped `digits` paint the digit that a prompt asks for?

    python benchmarks/digits_from_words.py --n 1000
    python benchmarks/digits_from_words.py --part agreement gate

The model learned from image embeddings only; a judge of another architecture, seed and training
reads what it painted from words. Five parts with the same judge, each kept as soon as it is there:
prompts as people ask, phrasings that no caption template has, five spellings of a digit from the
same noise, the gate of fifty pictures twenty times, and the bridges beside each other with the
ceiling, where the condition is the embedding of a real picture of the asked digit (MNIST's test
pictures, looked for as `mnist` is anywhere else). With `--second-judge FOLDER` one that was used
for nothing else, not even for choosing settings, reads the pictures of the first part as well.
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
"""In no template of the captions, but with the word or the numeral in them."""

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
            print(f"{name}: is there")
            continue
        parts.measure(name, work, **asked)
    print_claims(parts.write())
    if options.image and SHEET in (options.part or [SHEET]):
        how = {"seed": options.seed, "steps": options.steps}
        save_first_seeds(tti, DIGITS, 10, options.image, **how)


def _works(
    tti: TextToImage, judge: JudgeNet, options: argparse.Namespace
) -> dict[str, tuple[Callable[[], Facts], Facts]]:
    """How each part is measured, and how many pictures it takes."""
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
    """`n` pictures of every digit in every phrasing, each with a seed of its own; judged."""
    asked = digit_cases(phrasings=phrasings)
    x = finished(paint_cases(tti, asked, n, seed, **how), "words")
    table, *others = (count_success(judge, x, asked, seed) for judge in judges)
    print_counts("Digits from words", {"all": table.total} | table.values)
    worst = dict(sorted(table.prompts.items(), key=lambda item: item[1].share)[:5])
    print_counts("The five prompts that fail most", worst)
    facts = table.as_dict(prompts=True)
    for judge, other in zip(judges[1:], others, strict=True):
        print_counts(f"By another judge (seed {judge.card.get('seed')})", {"all": other.total})
        facts[SECOND] = {"judge": judge.card, **other.as_dict()}
    return facts


def bridges(tti: TextToImage, judge: JudgeNet, n: int, seed: int, **how: Any) -> Facts:
    """The same noise by every bridge, and by embeddings of real pictures."""
    pixels, facts = real_pictures(tti.model.config.data.image_size)
    work = compare_bridges(tti, judge, digit_cases(), n, seed, pixels=pixels, facts=facts, **how)
    found = finished(work, "bridges")
    print_counts("Bridges beside each other", {name: one.total for name, one in found.items()})
    return {name: one.as_dict() for name, one in found.items()}


def real_pictures(size: int) -> tuple[Tensor, list[dict[str, str]]]:
    """MNIST's test pictures (n, 1, size, size) uint8 and their digits, for the ceiling."""
    source = open_source("mnist", split="test")
    pixels = load_pixels(source, size=size, channels=1)
    return torch.from_numpy(pixels.array), [facts_of(source, i) for i in pixels.indices]


def claims(found: Mapping[str, Any]) -> list[Facts]:
    """What a release must keep, of the parts that are there."""
    kept = []
    if WORDS in found:
        kept += _words_claims(found[WORDS], "")
        if SECOND in found[WORDS]:
            kept += _words_claims(found[WORDS][SECOND], ", by a judge used for nothing else")
    if NEW in found:
        new = found[NEW]["total"]["share"]
        kept.append(claim("phrasings that no caption template has", new, 0.97))
    if AGREEMENT in found:
        same = found[AGREEMENT]["same"]
        worst = min(same["digits"].items(), key=lambda item: item[1]["share"])
        kept += [
            claim("five spellings of a digit agree", same["total"]["share"], 0.97),
            claim(f"each digit's spellings agree (least: {worst[0]})", worst[1]["share"], 0.97),
        ]
    if GATE in found:
        gate = found[GATE]
        kept.append(
            claim(
                f"the gate of {PICTURES} pictures passes",
                gate["passed"],
                0.95 * gate["n"],
                unit=f"of {gate['n']}",
            )
        )
    return kept


def _words_claims(read: Mapping[str, Any], whose: str) -> list[Facts]:
    name, worst = min(read["values"].items(), key=lambda item: item[1]["share"])
    return [
        claim(f"the asked digit is painted and read{whose}", read["total"]["share"], 0.99),
        claim(f"each digit (least: {name}){whose}", worst["share"], 0.97),
    ]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="digits", help="a shipped name, run or folder")
    parser.add_argument("--judge", type=Path, default=shipped_judge_folder("digits"))
    parser.add_argument("--second-judge", type=Path, help="its folder: scripts/train_judge.py")
    only = "only these, again if they are there; else all that is not"
    parser.add_argument("--part", nargs="+", choices=[*PARTS, SHEET], help=only)
    parser.add_argument("--again", action="store_true", help="measure what is there as well")
    parser.add_argument("--n", type=int, default=1000, help="pictures a digit, in four phrasings")
    parser.add_argument("--n-unseen", type=int, default=8, help="pictures an unseen phrasing")
    parser.add_argument("--n-agreement", type=int, default=100, help="seeds of five spellings")
    parser.add_argument("--gates", type=int, default=20, help=f"times {PICTURES} pictures")
    parser.add_argument("--n-compared", type=int, default=12, help="pictures a prompt and bridge")
    parser.add_argument("--steps", type=int, default=20, help="of the sampler")
    parser.add_argument("--seed", type=int, default=0, help="of the first picture")
    parser.add_argument("--out", type=Path, default=RESULTS / "digits_from_words.json")
    parser.add_argument("--image", type=Path, default=IMAGES / "digits_from_words.png")
    parser.add_argument("--no-image", action="store_const", const=None, dest="image")
    return parser.parse_args()


if __name__ == "__main__":
    main()
