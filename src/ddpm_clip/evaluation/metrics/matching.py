"""Draws real pictures with the same facts as the painted ones, in the same proportions.

Prompts ask for every digit equally often while real digits are not equally frequent; without
matching, metrics would count that difference against the model.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ddpm_clip.evaluation.prompts.cases import meaning
from ddpm_clip.evaluation.prompts.ceiling import agrees
from ddpm_clip.evaluation.prompts.success import PromptCase

Facts = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Matched:
    """Row numbers to compare: two real pictures per painted one, with the same facts.

    Attributes:
        painted: row numbers of the painted pictures.
        real: row numbers of the real pictures, twice as many, all different.
        cases: number of the case that each real picture shows.
        note: what was left out, or that nothing could be matched.
    """

    painted: tuple[int, ...]
    real: tuple[int, ...]
    cases: tuple[int, ...]
    note: str = ""


def matched(cases: Sequence[PromptCase], n: int, facts: Sequence[Facts], seed: int = 0) -> Matched:
    """Draw matching rows, separately for prompts of each meaning.

    If prompts have no facts, or no real picture matches any, rows are drawn from all real pictures
    and the note says so: distances then also measure the difference in proportions.

    Args:
        cases: the painted prompts, `n` pictures each, case by case.
        n: number of pictures per case.
        facts: facts of the real pictures.
        seed: random seed of the draws.
    """
    rng = random.Random(f"matching {seed}")
    kinds: dict[str, list[int]] = {}
    for number, case in enumerate(cases):
        kinds.setdefault(meaning(case) if case.facts else "", []).append(number)
    asked = [kind for kind in kinds if kind]
    if not asked or len(asked) < len(kinds):
        return _unmatched(cases, n, len(facts), rng, "some prompts have no facts")
    painted, real, shown = list[int](), list[int](), list[int]()
    free, short = set(range(len(facts))), 0
    for kind in asked:
        numbers = kinds[kind]
        fitting = [i for i in sorted(free) if agrees(facts[i], cases[numbers[0]].facts)]
        wanted = [n * number + j for number in numbers for j in range(n)]
        k = min(len(wanted), len(fitting) // 2)
        short += len(wanted) - k
        chosen = rng.sample(fitting, 2 * k)
        free -= set(chosen)
        painted += sorted(rng.sample(wanted, k))
        real += chosen
        shown += [numbers[j % len(numbers)] for j in range(2 * k)]
    if not painted:
        return _unmatched(cases, n, len(facts), rng, "no real picture shows what the prompts ask")
    note = (
        (
            f"for {short} of {n * len(cases)} painted pictures there were not two real pictures "
            "with the same facts; they were left out of this comparison"
        )
        if short
        else ""
    )
    return Matched(tuple(painted), tuple(real), tuple(shown), note)


def _unmatched(
    cases: Sequence[PromptCase], n: int, available: int, rng: random.Random, why: str
) -> Matched:
    k = min(n * len(cases), available // 2)
    painted = tuple(sorted(rng.sample(range(n * len(cases)), k)))
    note = f"{why}, so the real pictures are of all kinds, in their natural proportions"
    return Matched(painted, tuple(rng.sample(range(available), 2 * k)), (), note)
