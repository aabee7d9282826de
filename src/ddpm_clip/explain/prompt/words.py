"""Which words of the prompt count, and which characters of the word that counts most.

The players are the words; a coalition is the prompt with all other words left out, in their order.
A nonsense word plays along as a placebo: what it earns is what a word earns that says nothing.
Values are Shapley's (`explain/maths/shapley.py`), by deletion and not by any attention map. Knows
nothing of embeddings.
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
from ddpm_clip.explain.verdict.prerequisite import Prerequisite, check_prerequisite
from ddpm_clip.explain.verdict.result import Explanation, Verdict
from ddpm_clip.explain.verdict.verdicts import not_counted, weigh
from ddpm_clip.statistics.means import Means, means
from ddpm_clip.types import Progress

PLACEBO = "blicket"
"""A word that means nothing; it was made up for experiments with children."""

LEAST = 1.0
"""Log-odds that all words together have to gain, or there is nothing to share out."""


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """What the words and the placebo add.

    Attributes:
        names: of the players; the last one is the placebo.
        played: the game.
        found: who added what, seed by seed.
        deletion: the test of the order.
        over_placebo: what the strongest player adds beyond what the placebo adds or takes, on the
            seeds that had no say in who is strongest.
        prerequisite: is the prompt followed at all?
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
        """Words whose interval lies above all that the placebo's allows, and above 0."""
        each = self.found.means
        floor = max(0.0, float(each.low[-1].abs()), float(each.high[-1].abs()))
        return [name for i, name in enumerate(self.names[:-1]) if float(each.low[i]) > floor]


def explain(
    target: AnalysisTarget, *, quick: bool = False, placebo: str = PLACEBO
) -> Generator[Progress, None, Explanation]:
    """Which words count, and which characters of the word that counts most.

    Args:
        target: a model with a prompt, or anything that walks like one.
        quick: fewer seeds, steps and coalitions.
        placebo: a word that says nothing.
    """
    said = target.prompt.split()
    if target.asked_class is None or target.judging is None:
        return _unread(said)
    names, most = [*said, placebo], 30 if quick else 128
    # few players leave time for more seeds, and without words every seed is a lottery
    few, many = (10, 16) if quick else (16, 32)
    n = max(few, min(many, 16 * most // 2 ** min(len(names), 7)))
    steps = min(6 if quick else 10, target.settings.steps)
    game = Game(target, target.more_seeds(n), steps, most)
    played = yield from play(game, len(names), spaced(names), "words")
    prerequisite = yield from check_prerequisite(target, played.shown[target.prompt].probs)
    scores = scored(names, played, prerequisite)
    word = said[scores.top]
    less = Game(target, game.seeds[:few], steps, most=8 if quick else 32)
    spelling = yield from play(less, len(word), _spelt(said, scores.top), "characters")
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
    """The words that play, in their order, with spaces between them."""

    def text(playing: list[bool]) -> str:
        return " ".join(name for name, plays in zip(names, playing, strict=True) if plays)

    return text


def _spelt(said: list[str], at: int) -> Text:
    """The whole prompt, with some characters of one word."""

    def text(playing: list[bool]) -> str:
        word = "".join(letter for letter, plays in zip(said[at], playing, strict=True) if plays)
        return " ".join(one for one in [*said[:at], word, *said[at + 1 :]] if one)

    return text


def scored(names: list[str], played: Played, prerequisite: Prerequisite) -> Scores:
    """Share out what was gained, and test the order on seeds that it was not learnt on."""
    found, deletion = attribute(played.plan, played.v), deletion_test(played.plan, played.v)
    held, first = found.values[::2], int(deletion.order[0])
    over = means(held[:, first] - held[:, -1].abs())
    return Scores(names, played, found, deletion, over, prerequisite)


def verdict_of(scores: Scores) -> Verdict:
    """Pass where the prompt is followed, gains something, and the order holds on other seeds."""
    total, order = scores.found.total, scores.deletion
    claims = (total, order.over_random, order.under_random, order.over_reverse, scores.over_placebo)
    return weigh(scores.prerequisite, claims, shown=float(total.low) > LEAST)


def _test(scores: Scores) -> str:
    order, total = scores.deletion, scores.found.total
    return (
        "It would fail if adding the strongest words first brought no more than a random order, or "
        "removing them first cost no more, or if the strongest word were worth no more than the "
        f"nonsense word {scores.names[-1]!r}; the order comes from half of the seeds and is tested "
        f"on the others. All words together gain {float(total.mean):.1f} log-odds. Area "
        f"of the curve above a random order: {order.over_random}; below it when "
        f"removed: {order.under_random}; the strongest word above the nonsense "
        f"word: {scores.over_placebo}."
        f"{not_counted(scores.prerequisite)}"
    )


CAPTION = (
    "Every word is taken out of the prompt, alone and together with others, and the judge says how "
    "sure it is of what was asked for. A word's bar is what it adds on average over all orders in "
    "which the words could come (its Shapley value, in log-odds; 2.2 turn one in ten into one in "
    "two); the bars sum to what the whole prompt gains over painting without words. The last bar "
    "is a nonsense word that was added to the prompt: bars no longer than its interval say "
    "nothing. The same game is played by the characters of the strongest word. The strip shows one "
    "seed while words come and leave."
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
        ("in a random order", test.random),
        ("strongest last", test.deletion.flip(1)),
    ):
        lines.append(mean_line(label, range(values.shape[1]), values))
    return Curve(
        "The more words, the surer? (seeds that had no say in the order)",
        lines,
        "words in the prompt",
        "log-odds of what was asked for",
    )


def _strip(scores: Scores) -> Strip:
    """One seed, while the strongest words come first, and while they leave first."""
    order = scores.deletion.order
    coming = order.argsort() < torch.arange(len(order) + 1)[:, None]  # (k + 1, k)
    images = torch.stack([scores.played.pictures(one) for one in (coming, ~coming)])
    names = ["", *(scores.names[i] for i in order.tolist())]
    return Strip(
        "One seed while words come, or leave, the strongest first",
        images,
        ("come", "leave"),
        names,
        "above: the word that came or left last",
    )


def _unread(said: list[str]) -> Explanation:
    table = Table("The prompt", ["word"], [[word] for word in said])
    return Explanation(
        "words",
        "Which words count",
        CAPTION,
        (table,),
        "Nobody reads these pictures for what the "
        "prompt asks, so there is no value to share out among its words.",
        "inconclusive",
        {"n": 0},
    )
