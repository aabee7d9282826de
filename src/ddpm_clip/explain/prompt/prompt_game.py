"""Cooperative games whose players are pieces of a prompt, such as its words.

Every coalition is a text that is painted, and its value is the judge's log-odds of the class that
the whole prompt asks for. Equal texts are painted once, and the empty text is a walk without words.
"""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ddpm_clip.explain.maths.shapley import CoalitionPlan, attribute, learnt_order, plan
from ddpm_clip.explain.target.analysis_target import AnalysisTarget
from ddpm_clip.explain.verdict.odds import log_odds
from ddpm_clip.types import Progress

Text = Callable[[list[bool]], str]
"""A coalition, as a bool per player -> its text; empty for the empty coalition."""


@dataclass(frozen=True, slots=True, eq=False)
class Game:
    """How the texts of a game are painted.

    Attributes:
        target: a target with a judge and a requested class.
        seeds: random seeds, one per repetition.
        steps: number of sampling steps.
        most: number of coalitions to play, roughly; all of them are played if there are no more.
    """

    target: AnalysisTarget
    seeds: list[int]
    steps: int
    most: int


@dataclass(frozen=True, slots=True, eq=False)
class PaintedCoalition:
    """The judged pictures of a text.

    Attributes:
        odds: (n,) log-odds of the requested class, one per seed.
        probs: (n, classes) class probabilities.
        x: (c, h, w) the picture of the first seed.
    """

    odds: Tensor
    probs: Tensor
    x: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Played:
    """A game that was played.

    Attributes:
        plan: the coalitions.
        texts: (m,) the text of each coalition.
        shown: the judged pictures of each text.
    """

    plan: CoalitionPlan
    texts: list[str]
    shown: Mapping[str, PaintedCoalition]

    @property
    def v(self) -> Tensor:
        """(m, n) the value of every coalition, one column per seed."""
        return torch.stack([self.shown[text].odds for text in self.texts])

    def pictures(self, coalitions: Tensor) -> Tensor:
        """Return (p, c, h, w) the first seed's pictures of coalitions (p, k) that were played."""
        rows = self.plan.rows(coalitions).tolist()
        return torch.stack([self.shown[self.texts[row]].x for row in rows])


def play(game: Game, players: int, text: Text, stage: str) -> Generator[Progress, None, Played]:
    """Play a game; if not all coalitions are played, those along the learnt order are added.

    Args:
        game: how texts are painted.
        players: number of pieces of the prompt.
        text: makes the text of a coalition.
        stage: name of the stage in the progress.
    """
    exact = 2**players <= game.most
    todo = plan(
        players, exact_up_to=players if exact else 0, pairs=max(1, game.most // (2 * players))
    )
    played = yield from _painted(game, todo, text, {game.target.prompt: None}, stage)
    if exact:
        return played
    order = learnt_order(attribute(todo, played.v))
    return (yield from _painted(game, todo.with_orders(order[None]), text, played.shown, stage))


def _painted(
    game: Game,
    todo: CoalitionPlan,
    text: Text,
    known: Mapping[str, PaintedCoalition | None],
    stage: str,
) -> Generator[Progress, None, Played]:
    """Paint and judge every text of the plan that was not painted before."""
    target, asked_class, n = game.target, game.target.asked_class, len(game.seeds)
    assert asked_class is not None
    texts = [text(coalition) for coalition in todo.coalitions.tolist()]
    new = [one for one in dict.fromkeys([*known, *texts]) if known.get(one) is None]
    shown = {one: found for one, found in known.items() if found is not None}
    if not new:
        return Played(todo, texts, shown)
    seeds = game.seeds * len(new)
    c = target.conditions([one or target.prompt for one in new for _ in game.seeds], seeds)
    # the empty coalition is a walk without words, not the embedding of an empty text
    scale = torch.tensor([target.guidance if one else 0.0 for one in new]).repeat_interleave(n)
    x = yield from target.pictures(c, seeds, scale=scale, steps=game.steps, stage=stage)
    probs = target.judge(x).cpu().view(len(new), n, -1)
    for i, one in enumerate(new):
        shown[one] = PaintedCoalition(log_odds(probs[i], asked_class), probs[i], x[i * n].cpu())
    return Played(todo, texts, shown)
