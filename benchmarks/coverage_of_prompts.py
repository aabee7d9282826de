"""How often `ask` is right about prompts whose coverage is known.

`python benchmarks/coverage_of_prompts.py [--model digits --model flowers]`. Covered prompts are
captions that are not in the prompt bank, and phrasings as people use them; outside prompts name
other things, are unrelated sentences, or are made-up words. None of their nouns and wordings are
among those that the mini-CLIP is trained to keep away from its pictures, or that the verdict is
calibrated on.
"""

import argparse
import random
from collections import Counter
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

from reporting import RESULTS, claim, parsed, print_claims, write_results
from rich.console import Console
from rich.table import Table

from ddpm_clip.coverage.calibration import VERDICTS
from ddpm_clip.coverage.prompt_coverage import PromptCoverage
from ddpm_clip.coverage.texts import words
from ddpm_clip.data.captions.digit_words import DIGITS
from ddpm_clip.data.captions.grammars import sample_captions
from ddpm_clip.data.local.drawn_flowers import FACTS, DrawnFlowers
from ddpm_clip.runs.pretrained import load
from ddpm_clip.statistics.intervals import wilson

NOUNS = (
    "donkey", "kangaroo", "lobster", "teacher", "wizard", "bulldozer", "yacht", "fridge", "teapot",
    "trombone", "burger", "toothbrush", "pyramid", "mermaid", "laptop", "sausage", "wheelchair",
    "saxophone", "turtle", "vampire", "parrot", "pirate", "escalator", "microscope", "pancake",
    "swimming pool", "skateboard", "vacuum cleaner", "cathedral", "glacier",
)  # fmt: skip
"""Things that are named in no other text of the project."""

PLAIN = (
    "{}",
    "his {}",
    "a {} drawn by a child",
    "could you paint a {} today",
    "a {} in winter",
    "the smallest {} ever",
    "an empty {}",
    "a {} behind a fence",
)
COLOURED = (
    "a purple {}",
    "his yellow {}",
    "a red {} in the snow",
    "the green {} over there",
    "a white {} behind a fence",
)
SAID = (
    "the president gave a speech", "my car does not start in the morning", "quantum mechanics",
    "children playing football in winter", "an astronaut floats above the earth", "sad",
    "enormous", "delicious", "democracy", "the sound of applause", "please call me back",
    "a long queue outside the bakery", "the train was late", "happiness", "what time is it",
    "an argument about money", "wash your hands", "the history of rome", "loud and clear",
    "freshly painted, do not touch",
)  # fmt: skip
INVENTED = 60

DIGIT_PHRASINGS = (
    "could you draw the number {numeral}", "I want to see a {word} today", "my favourite is {word}",
    "{numeral}, as a child would write it", "chalk on a blackboard: {numeral}",
    "let there be {word}", "a wobbly {word} made with a brush", "what does {numeral} look like?",
    "a handwritten {word}",
)  # fmt: skip
FLOWER_PHRASINGS = (
    "my grandmother's garden has a {petals} {species}",
    "could you draw a {petals} {species}",
    "a {species}, {petals} of course",
    "{petals} {species} for my wife",
    "any {petals} {species}?",
)


def covered(classes: Sequence[str], bank: Sequence[str]) -> dict[str, list[str]]:
    """Prompts by kind that pictures of these classes cover.

    Args:
        classes: class names of the model, which decide between digits and flowers.
        bank: prompt bank of the model; its prompts are left out.
    """
    if set(DIGITS) <= set(classes):
        facts = [{"digit": digit} for digit in DIGITS]
        phrased = [
            frame.format(word=word, numeral=numeral)
            for numeral, word in enumerate(DIGITS)
            for frame in DIGIT_PHRASINGS
        ]
    else:
        flowers = DrawnFlowers(400, 32, seed=99)
        facts = [flowers.facts(i) for i in range(len(flowers))]
        pairs = product(FACTS["species"], FACTS["petals"])
        phrased = [
            FLOWER_PHRASINGS[i % len(FLOWER_PHRASINGS)].format(species=s, petals=p)
            for i, (s, p) in enumerate(pairs)
        ]
    fresh = dict.fromkeys(sample_captions(facts, 500, seed=4711))
    return {"captions": [text for text in fresh if text not in set(bank)], "phrasings": phrased}


def outside(known: Sequence[str]) -> dict[str, list[str]]:
    """Prompts by kind that share no noun with the prompts `known`."""
    rng, named = random.Random(20), {word for text in known for word in words(text)}
    letters = "abcdefghijklmnopqrstuvwxyz"
    invented = [
        " ".join(
            "".join(rng.choices(letters, k=rng.randrange(3, 10)))
            for _ in range(rng.randrange(1, 4))
        )
        for _ in range(INVENTED)
    ]
    nouns = [noun for noun in NOUNS if not named & set(words(noun))]
    return {
        "things": [frame.format(noun) for noun in nouns for frame in PLAIN],
        "coloured things": [frame.format(noun) for noun in nouns for frame in COLOURED],
        "sayings": list(SAID),
        "invented": invented,
    }


def judged(
    prompt_coverage: PromptCoverage, kinds: dict[str, list[str]]
) -> dict[str, dict[str, Any]]:
    """Count the verdicts on each kind of prompts, and the share reported as outside."""
    table = {}
    for kind, prompts in kinds.items():
        found = {prompt: prompt_coverage.ask(prompt, 1).verdict for prompt in prompts}
        counts, n = Counter(found.values()), len(found)
        table[kind] = {
            "n": n,
            **{verdict: counts[verdict] for verdict in VERDICTS},
            "share_outside": counts["outside"] / n,
            "interval_95": [round(end, 4) for end in wilson(counts["outside"], n)],
            "outside_prompts": [p for p, v in found.items() if v == "outside"][:20],
            "other_prompts": [p for p, v in found.items() if v != "outside"][:20],
        }
    return table


def main() -> None:
    options = _options()
    models, claims = {}, []
    for name in options.model or ["digits", "flowers"]:
        prompt_coverage = PromptCoverage(load(name))
        prompts = prompt_coverage.model.conditioner.prompts
        inside = judged(prompt_coverage, covered(prompt_coverage.model.classes, prompts))
        beyond = judged(prompt_coverage, outside(prompts))
        shares = _share(inside), _share(beyond)
        claims += [
            claim(f"`{name}`: covered prompts reported as outside", shares[0], 0.1, at_most=True),
            claim(f"`{name}`: outside prompts reported as outside", shares[1], 0.9),
        ]
        models[prompt_coverage.model.name] = {
            "model_fingerprint": prompt_coverage.model.fingerprint,
            "error_when_calibrated": prompt_coverage.coverage.error,
            "covered": inside,
            "outside": beyond,
        }
        _print(name, inside | beyond)
    print_claims(claims)
    write_results(options.out, {"claims": claims, "models": models})


def _share(table: dict[str, dict[str, Any]]) -> float:
    return sum(row["outside"] for row in table.values()) / sum(row["n"] for row in table.values())


def _print(name: str, table: dict[str, dict[str, Any]]) -> None:
    shown = Table(title=name, title_justify="left")
    for column in ("prompts", "n", *VERDICTS, "reported outside", "95 % interval"):
        shown.add_column(column, justify="left" if column == "prompts" else "right", no_wrap=True)
    for kind, row in table.items():
        low, high = row["interval_95"]
        shown.add_row(
            kind,
            str(row["n"]),
            *(str(row[verdict]) for verdict in VERDICTS),
            f"{row['share_outside']:.1%}",
            f"{low:.1%} to {high:.1%}",
        )
    Console(width=110).print(shown)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", action="append", help="a shipped model, a run or a model folder")
    parser.add_argument("--out", type=Path, default=RESULTS / "coverage_of_prompts.json")
    return parsed(parser)


if __name__ == "__main__":
    main()
