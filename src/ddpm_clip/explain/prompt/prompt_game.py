"""Games whose players are pieces of a prompt: every coalition is a text, and is painted.

Its value is the judge's log-odds of what the whole prompt asks for. Equal texts are painted once,
and no text at all is a walk without words. Knows nothing of what the pieces are.
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
"""Who plays -> the text; empty where nobody says anything."""


@dataclass(frozen=True, slots=True, eq=False)
class Game:
    """How texts are painted.

    Attributes:
        target: somebody judges its pictures, and its prompt asks for a class.
        seeds: one a repetition.
        steps: of the walks.
        most: coalitions to be played, roughly; all of them where they are no more.
    """

    target: AnalysisTarget
    seeds: list[int]
    steps: int
    most: int


@dataclass(frozen=True, slots=True, eq=False)
class PaintedCoalition:
    """What a text brings.

    Attributes:
        odds: (n,) log-odds of the requested class, a seed each.
        probs: (n, classes) what the judge says.
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
        texts: (m,) of each.
        shown: what each text brings.
    """

    plan: CoalitionPlan
    texts: list[str]
    shown: Mapping[str, PaintedCoalition]

    @property
    def v(self) -> Tensor:
        """(m, n) the value of every coalition, a column a seed."""
        return torch.stack([self.shown[text].odds for text in self.texts])

    def pictures(self, coalitions: Tensor) -> Tensor:
        """(p, c, h, w) of the first seed, of coalitions (p, k) that were played."""
        rows = self.plan.rows(coalitions).tolist()
        return torch.stack([self.shown[self.texts[row]].x for row in rows])


def play(game: Game, players: int, text: Text, stage: str) -> Generator[Progress, None, Played]:
    """Play a game; where not all coalitions are played, those of the learnt order are added.

    Args:
        game: how.
        players: pieces of the prompt.
        text: what a coalition says.
        stage: of the progress.
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
    """Paint and judge every text of the plan that is not known yet."""
    target, asked_class, n = game.target, game.target.asked_class, len(game.seeds)
    assert asked_class is not None
    texts = [text(coalition) for coalition in todo.coalitions.tolist()]
    new = [one for one in dict.fromkeys([*known, *texts]) if known.get(one) is None]
    shown = {one: found for one, found in known.items() if found is not None}
    if not new:
        return Played(todo, texts, shown)
    seeds = game.seeds * len(new)
    c = target.conditions([one or target.prompt for one in new for _ in game.seeds], seeds)
    # no words are a walk without words; the embedding of an empty text would be a text
    scale = torch.tensor([target.guidance if one else 0.0 for one in new]).repeat_interleave(n)
    x = yield from target.pictures(c, seeds, scale=scale, steps=game.steps, stage=stage)
    probs = target.judge(x).cpu().view(len(new), n, -1)
    for i, one in enumerate(new):
        shown[one] = PaintedCoalition(log_odds(probs[i], asked_class), probs[i], x[i * n].cpu())
    return Played(todo, texts, shown)
