"""Transfer: accuracy on real pictures of a classifier trained on painted ones.

The classification accuracy score (CAS) of Ravuri & Vinyals 2019, next to that of a classifier
trained on real pictures: what painted pictures lack in fidelity or variety cannot be learned from
them.
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
    """Real test pictures that each classifier reads correctly."""

    n: int  # training pictures of each classifier
    tested: int  # test pictures
    painted: int  # read correctly by the classifier trained on painted pictures
    real: int  # read correctly by the classifier trained on as many real ones

    @property
    def accuracy(self) -> float:
        """Accuracy after training on painted pictures."""
        return self.painted / self.tested

    @property
    def real_accuracy(self) -> float:
        """Accuracy after training on real pictures, the upper bound."""
        return self.real / self.tested

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form, with the 95 % intervals of the shares."""
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
    """Pictures (n, c, h, w) uint8, and the label that each shows or was requested to show."""

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
    """Train two classifiers in the same way, on painted and on real pictures, and test both.

    Both see the same number of pictures, a random subset of the larger set, and start from the same
    weights with the same random augmentation.

    Args:
        painted: painted pictures, labelled by what was requested.
        real: real pictures for training.
        test: real pictures that neither the classifiers nor the model have seen.
        steps: number of optimisation steps of each.
        batch_size: number of pictures per step.
        width: channels of the classifiers' first level.
        seed: random seed of weights, batches and the subset.

    Raises:
        UsageError: numbers of labels and pictures differ, or a label is not in the test set.
        DataError: there is only one label.
    """
    _check(painted, real, test)
    n = min(len(painted.pixels), len(real.pixels))
    attributes = attributes_of([{LABEL: one} for one in test.labels])
    right = []
    for name, source in (("painted", painted), ("real", real)):
        rows = some_rows(len(source.pixels), n, seed)
        labels = [{LABEL: source.labels[i]} for i in rows.tolist()]
        net = _reader(attributes, test.pixels, width, seed)
        training = train_judge(
            net,
            source.pixels[rows],
            labels,
            steps=steps,
            batch_size=batch_size,
            seed=seed,
            nonsense_weight=0.0,
        )
        for step in training:
            yield Progress(f"classifier of {name} pictures", step.step, steps)
        confusion = measure_judge(net, test.pixels, [{LABEL: one} for one in test.labels])
        right.append(sum(row[i] for i, row in enumerate(confusion.confusion[LABEL])))
    return Transfer(n, len(test.pixels), *right)


def _reader(attributes: dict[str, tuple[str, ...]], x: Tensor, width: int, seed: int) -> JudgeNet:
    """Return a classifier with weights from `seed`, without dropout and its unseeded draws."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return JudgeNet(attributes, x.shape[1], x.shape[2:], width, dropout=0.0)


def _check(painted: Labelled, real: Labelled, test: Labelled) -> None:
    known = set(test.labels)
    for name, one in (("painted", painted), ("real", real), ("test", test)):
        if not len(one.pixels) or len(one.pixels) != len(one.labels):
            raise UsageError(
                f"{len(one.pixels)} {name} pictures with {len(one.labels)} labels",
                "there must be pictures, each with a label",
            )
        if one.pixels.dtype != torch.uint8:
            raise UsageError(f"{name} pictures are {one.pixels.dtype}", "they must be uint8")
        if unknown := sorted(set(one.labels) - known):
            raise UsageError(
                f"{name} pictures have the label {unknown[0]!r}, which no test picture has",
                f"the labels of the test pictures are {', '.join(sorted(known))}",
            )
