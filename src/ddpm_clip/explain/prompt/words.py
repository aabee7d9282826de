"""Which words of the prompt count, and which characters of the strongest word.

The players are the words; a coalition is the prompt with all other words left out. A nonsense word
is added as a placebo: it shows what a meaningless word gets. The attributions are Shapley values
(`explain/maths/shapley.py`), from deleting words and not from attention maps. Test: the order of
the words holds on other seeds, and the strongest word gets more than the placebo.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import torch

from ddpm_clip.explain.maths.shapley import Attribution, DeletionTest, attribute, deletion_test
from ddpm_clip.explain.panels.kinds import Bars, Curve, Panel, Strip, Table, mean_line
from ddpm_clip.explain.prompt.prompt_game import Game, Played, Text, play
from ddpm_clip.explain.target.analysis_target import AnalysisTarget
from ddpm_clip.explain.verdict.analysis import plainly
from ddpm_clip.explain.verdict.prerequisite import Prerequisite, check_prerequisite, why_untested
from ddpm_clip.explain.verdict.result import Explanation, Verdict
from ddpm_clip.explain.verdict.verdicts import not_counted, weigh
from ddpm_clip.statistics.means import Means, means
from ddpm_clip.types import Progress

PLACEBO = "blicket"
"""A nonsense word, coined for experiments with children."""

LEAST = 1.0
"""Log-odds that all words together have to gain, or there is nothing to attribute."""


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """What the words and the placebo add.

    Attributes:
        names: the players; the last one is the placebo.
        played: the game.
        found: Shapley values, seed by seed.
        deletion: test of the order of the players.
        over_placebo: Shapley value of the strongest player minus the placebo's absolute one, on
            seeds that were not used to rank the players.
        prerequisite: whether the prompt is followed at all.
    """

    names: list[str]
    played: Played
    found: Attribution
    deletion: DeletionTest
    over_placebo: Means
    prerequisite: Prerequisite

    @property
    def top(self) -> int:
        """The word that adds most; never the placebo."""
        last = len(self.names) - 1
        return next(i for i in self.deletion.order.tolist() if i != last)

    @property
    def counting(self) -> list[str]:
        """Words whose interval lies above the placebo's interval, on either side of 0."""
        each = self.found.means
        floor = max(0.0, float(each.low[-1].abs()), float(each.high[-1].abs()))
        return [name for i, name in enumerate(self.names[:-1]) if float(each.low[i]) > floor]


def explain(
    target: AnalysisTarget, *, quick: bool = False, placebo: str = PLACEBO
) -> Generator[Progress, None, Explanation]:
    """Measure which words count, and which characters of the strongest word.

    Args:
        target: the model and the prompt.
        quick: take fewer seeds, steps and coalitions.
        placebo: a nonsense word.
    """
    typed = target.prompt.split()
    if target.asked_class is None or target.judging is None:
        return _untested(target, typed)
    names, most = [*typed, placebo], 30 if quick else 128
    # with few players there is time for more seeds, and without words the class is random
    few, many = (10, 16) if quick else (16, 32)
    n = max(few, min(many, 16 * most // 2 ** min(len(names), 7)))
    steps = min(6 if quick else 10, target.settings.steps)
    game = Game(target, target.more_seeds(n), steps, most)
    played = yield from play(game, len(names), spaced(names), "words")
    prerequisite = yield from check_prerequisite(target, played.shown[target.prompt].probs)
    scores = scored(names, played, prerequisite)
    word = typed[scores.top]
    less = Game(target, game.seeds[:few], steps, most=8 if quick else 32)
    spelling = yield from play(less, len(word), _spelt(typed, scores.top), "characters")
    letters = attribute(spelling.plan, spelling.v)
    return Explanation(
        "words",
        "Which words count",
        CAPTION,
        _panels(target, scores, word, letters),
        _test(scores),
        verdict_of(scores),
        _numbers(scores, word, letters),
    )


words = plainly(explain)


def spaced(names: list[str]) -> Text:
    """Return the text of a coalition of words: in their order, separated by spaces."""

    def text(playing: list[bool]) -> str:
        return " ".join(name for name, plays in zip(names, playing, strict=True) if plays)

    return text


def _spelt(typed: list[str], at: int) -> Text:
    """Return the text of a coalition of characters: the prompt with only those of one word."""

    def text(playing: list[bool]) -> str:
        word = "".join(letter for letter, plays in zip(typed[at], playing, strict=True) if plays)
        return " ".join(one for one in [*typed[:at], word, *typed[at + 1 :]] if one)

    return text


def scored(names: list[str], played: Played, prerequisite: Prerequisite) -> Scores:
    """Compute Shapley values, and test the order on seeds on which it was not learnt."""
    found, deletion = attribute(played.plan, played.v), deletion_test(played.plan, played.v)
    held, first = found.values[::2], int(deletion.order[0])
    over = means(held[:, first] - held[:, -1].abs())
    return Scores(names, played, found, deletion, over, prerequisite)


def verdict_of(scores: Scores) -> Verdict:
    """Return pass if the prompt gains enough and the order of the words holds on other seeds."""
    total, order = scores.found.total, scores.deletion
    claims = (total, order.over_random, order.under_random, order.over_reverse, scores.over_placebo)
    return weigh(scores.prerequisite, claims, shown=float(total.low) > LEAST)


def _test(scores: Scores) -> str:
    order, total = scores.deletion, scores.found.total
    return (
        f"All words together have to gain at least {LEAST:g} log-odds. With an order learnt on "
        "half of the seeds and tested on the other half, adding the strongest words first has to "
        "gain more than a random order, removing them first has to cost more, and both have to "
        "differ from the reverse order. The strongest word has to get more than the nonsense word "
        f"{scores.names[-1]!r}. All words together gain {float(total.mean):.1f} log-odds. "
        f"Strongest first gains {order.over_random} more than a random order when added, and costs "
        f"{order.under_random} more when removed. The strongest word gets {scores.over_placebo} "
        f"more than the nonsense word.{not_counted(scores.prerequisite)}"
    )


CAPTION = (
    "Words are left out of the prompt, alone and together with others, and the judge gives the "
    "log-odds of the requested class. A word's bar is what it adds, averaged over all orders in "
    "which the words could be added (its Shapley value, in log-odds; 2.2 of them turn a "
    "probability of one in ten into one in two). The bars sum to what the whole prompt gains over "
    "no words. The last bar is a nonsense word that was added to the prompt: bars no longer than "
    "its interval mean nothing. Then the characters of the strongest word play the same game. The "
    "strip shows one seed while words are added or removed, strongest first."
)


def _numbers(scores: Scores, word: str, letters: Attribution) -> dict[str, Any]:
    order = scores.deletion
    return {
        "n": len(scores.found.values),
        "coalitions": len(scores.played.texts),
        "exact": scores.found.exact,
        "gate": scores.prerequisite.as_dict(),
        "words": _rows(scores.names[:-1], scores.found),
        "strongest": word,
        "counting": scores.counting,
        "placebo": _rows(scores.names, scores.found)[-1],
        "total": scores.found.total.as_dict(),
        "efficiency_error": scores.found.error,
        "over_random": order.over_random.as_dict(),
        "under_random": order.under_random.as_dict(),
        "over_reverse": order.over_reverse.as_dict(),
        "over_placebo": scores.over_placebo.as_dict(),
        "characters": _rows(list(word), letters),
        "characters_exact": letters.exact,
    }


def _rows(names: list[str], found: Attribution) -> list[dict[str, Any]]:
    each = found.means
    return [
        {
            "text": name,
            "log_odds": float(each.mean[i]),
            "low": float(each.low[i]),
            "high": float(each.high[i]),
        }
        for i, name in enumerate(names)
    ]


def _panels(
    target: AnalysisTarget, scores: Scores, word: str, letters: Attribution
) -> tuple[Panel, ...]:
    return (
        _bars(
            f"What each word adds to {target.asked_name}", scores.names, scores.found, "nonsense"
        ),
        _bars(f"What each character of {word!r} adds", list(word), letters),
        _curve(scores.deletion),
        _strip(scores),
    )


def _bars(title: str, names: list[str], found: Attribution, last: str = "") -> Bars:
    each = found.means
    shown = [*names[:-1], f"{names[-1]} ({last})"] if last else names
    return Bars(title, shown, each.mean.tolist(), each.low.tolist(), each.high.tolist(), "log-odds")


def _curve(test: DeletionTest) -> Curve:
    lines = []
    for label, values in (
        ("strongest first", test.insertion),
        ("random order", test.random),
        ("weakest first", test.deletion.flip(1)),
    ):
        lines.append(mean_line(label, range(values.shape[1]), values))
    return Curve(
        "Adding the words one by one (on other seeds)",
        lines,
        "number of words in the prompt",
        "log-odds of the requested class",
        note="These seeds are not those on which the order was learnt.",
    )


def _strip(scores: Scores) -> Strip:
    """Show one seed while words are added, and while they are removed, strongest first."""
    order = scores.deletion.order
    added = order.argsort() < torch.arange(len(order) + 1)[:, None]  # (k + 1, k)
    images = torch.stack([scores.played.pictures(one) for one in (added, ~added)])
    names = ["", *(scores.names[i] for i in order.tolist())]
    return Strip(
        "One seed while words are added or removed, strongest first",
        images,
        ("added", "removed"),
        names,
        "Above each column: the word that was added or removed last.",
    )


def _untested(target: AnalysisTarget, typed: list[str]) -> Explanation:
    table = Table("The prompt", ["word"], [[word] for word in typed])
    return Explanation(
        "words",
        "Which words count",
        CAPTION,
        (table,),
        f"Not tested: {why_untested(target)}.",
        "inconclusive",
        {"n": 0},
    )
