"""Train a reader on painted pictures, test it on real ones, beside one trained on real ones.

The classification accuracy score of Ravuri & Vinyals 2019: what the painted pictures lack, in
kind or in variety, the reader cannot learn from them. Knows nothing of how pictures are painted.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ddpm_clip.errors import UsageError
from ddpm_clip.evaluation.judge.network import JudgeNet
from ddpm_clip.evaluation.judge.training import attributes_of, measure_judge, train_judge
from ddpm_clip.evaluation.metrics.features import some_rows
from ddpm_clip.statistics.intervals import wilson
from ddpm_clip.types import Progress

LABEL = "label"


@dataclass(frozen=True, slots=True)
class Transfer:
    """Real test pictures that each reader reads right."""

    n: int  # pictures that each reader was trained on
    tested: int
    painted: int  # read right after painted pictures
    real: int  # read right after as many real ones

    @property
    def accuracy(self) -> float:
        """Of the reader of painted pictures."""
        return self.painted / self.tested

    @property
    def real_accuracy(self) -> float:
        """Of the reader of real pictures: what there is to reach."""
        return self.real / self.tested

    def as_dict(self) -> dict[str, Any]:
        """The JSON form, shares with their 95 % intervals."""
        found: dict[str, Any] = {"n": self.n, "tested": self.tested}
        for name, k in (("painted", self.painted), ("real", self.real)):
            low, high = wilson(k, self.tested)
            found[name] = {
                "correct": k,
                "accuracy": round(k / self.tested, 4),
                "interval_95": [round(low, 4), round(high, 4)],
            }
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """Pictures (n, c, h, w) uint8, and what each of them shows or was asked to show."""

    pixels: Tensor
    labels: Sequence[str]


def transfer(
    painted: Labelled,
    real: Labelled,
    test: Labelled,
    *,
    steps: int = 400,
    batch_size: int = 128,
    width: int = 16,
    seed: int = 0,
) -> Generator[Progress, None, Transfer]:
    """Train two readers alike, one on painted and one on real pictures, and test both.

    Both see the same number of pictures: the larger set is cut by lot. Both start from the same
    weights and are bent by the same lots.

    Args:
        painted: labelled by what was asked.
        real: pictures for training.
        test: real pictures that neither reader nor model has seen.
        steps: optimisation steps of each.
        batch_size: pictures a step.
        width: channels of the readers' first level.
        seed: of weights, batches and the cut.

    Raises:
        UsageError: labels and pictures that do not pair, a label that the test set does not know.
        DataError: only one label.
    """
    _check(painted, real, test)
    n = min(len(painted.pixels), len(real.pixels))
    attributes = attributes_of([{LABEL: one} for one in test.labels])
    right = []
    for name, source in (("painted", painted), ("real", real)):
        rows = some_rows(len(source.pixels), n, seed)
        labels = [{LABEL: source.labels[i]} for i in rows.tolist()]
        net = _reader(attributes, test.pixels, width, seed)
        told = train_judge(
            net,
            source.pixels[rows],
            labels,
            steps=steps,
            batch_size=batch_size,
            seed=seed,
            nonsense_weight=0.0,
        )
        for step in told:
            yield Progress(f"reader of {name} pictures", step.step, steps)
        confusion = measure_judge(net, test.pixels, [{LABEL: one} for one in test.labels])
        right.append(sum(row[i] for i, row in enumerate(confusion.confusion[LABEL])))
    return Transfer(n, len(test.pixels), *right)


def _reader(attributes: dict[str, tuple[str, ...]], x: Tensor, width: int, seed: int) -> JudgeNet:
    """Its weights are drawn from `seed`, and it drops nothing, or it would draw from elsewhere."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return JudgeNet(attributes, x.shape[1], x.shape[2], width, dropout=0.0)


def _check(painted: Labelled, real: Labelled, test: Labelled) -> None:
    known = set(test.labels)
    for name, one in (("painted", painted), ("real", real), ("test", test)):
        if not len(one.pixels) or len(one.pixels) != len(one.labels):
            raise UsageError(
                f"{len(one.pixels)} {name} pictures with {len(one.labels)} labels",
                "each needs one, and some are needed",
            )
        if one.pixels.dtype != torch.uint8:
            raise UsageError(f"{name} pictures of {one.pixels.dtype}", "uint8 is wanted")
        if strange := sorted(set(one.labels) - known):
            raise UsageError(
                f"{name} pictures of {strange[0]!r}",
                f"the test pictures show {', '.join(sorted(known))}",
            )
