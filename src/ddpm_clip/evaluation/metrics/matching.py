"""Real pictures that show what the painted ones were asked for, as many of each kind.

A model that is asked for every digit equally often must not be blamed that real digits are not
equally frequent. Knows nothing of pixels or features.
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
    """Rows that may be compared: two real pictures for one painted, and of the same kind.

    Attributes:
        painted: rows of the painted pictures.
        real: rows of the real ones, twice as many; none twice.
        cases: the case that each of the real ones shows, by its number.
        note: what had to be left out, or that nothing could be matched.
    """

    painted: tuple[int, ...]
    real: tuple[int, ...]
    cases: tuple[int, ...]
    note: str = ""


def matched(cases: Sequence[PromptCase], n: int, facts: Sequence[Facts], seed: int = 0) -> Matched:
    """Choose rows by lot, kind by kind.

    Where the prompts state no facts, or no real picture agrees with any, rows are chosen from all
    real pictures and the note says so: a distance is then also one between the two mixtures.

    Args:
        cases: that were asked, `n` pictures each, case by case.
        n: pictures a case.
        facts: of the real pictures.
        seed: of the choice.
    """
    rng = random.Random(f"matching {seed}")
    kinds: dict[str, list[int]] = {}
    for number, case in enumerate(cases):
        kinds.setdefault(meaning(case) if case.facts else "", []).append(number)
    asked = [kind for kind in kinds if kind]
    if not asked or len(asked) < len(kinds):
        return _by_lot(cases, n, len(facts), rng, "some prompts state no facts")
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
        return _by_lot(cases, n, len(facts), rng, "no real picture shows what was asked for")
    note = (
        (
            f"{short} of {n * len(cases)} painted pictures have no two real ones of their kind "
            "and were left out of this comparison"
        )
        if short
        else ""
    )
    return Matched(tuple(painted), tuple(real), tuple(shown), note)


def _by_lot(
    cases: Sequence[PromptCase], n: int, there: int, rng: random.Random, why: str
) -> Matched:
    k = min(n * len(cases), there // 2)
    painted = tuple(sorted(rng.sample(range(n * len(cases)), k)))
    note = f"{why}, so the real pictures are of all kinds, as often as they come"
    return Matched(painted, tuple(rng.sample(range(there), 2 * k)), (), note)
