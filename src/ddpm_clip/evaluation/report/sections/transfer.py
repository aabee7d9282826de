"""The section that trains a classifier on painted pictures and tests it on real ones."""

from collections.abc import Collection, Generator

from ddpm_clip.errors import DataError
from ddpm_clip.evaluation.metrics.transfer import Labelled, Transfer, transfer
from ddpm_clip.evaluation.report.evaluation_data import EvaluationData
from ddpm_clip.evaluation.report.real_pictures import Pictures
from ddpm_clip.reports.figures import Figure, Section
from ddpm_clip.statistics.intervals import wilson
from ddpm_clip.types import Progress
from ddpm_clip.utils.tensors import to_uint8

TITLE = "Trained on painted, tested on real"

FEWEST_STEPS, QUICK_STEPS, FULL_STEPS = 40, 120, 400
"""Steps of each of the two classifiers: at least, and at most with and without a time limit."""

EPOCHS = 100
"""Most epochs: with few pictures, a classifier learns nothing more beyond these."""

BATCH = 128

MOST_TESTED = 4000


def transfer_section(data: EvaluationData) -> Generator[Progress, None, Section]:
    """Train a classifier on painted pictures with their requested labels; test it on real ones."""
    train, unseen = data.real.train, data.real.unseen
    if train is None or unseen is None:
        why = data.real.why_not or "the run's own pictures are not known"
        raise DataError(why, fix="put the data back where the run had them")
    attribute = _attribute(data)
    if attribute is None:
        raise DataError(
            "the prompts have no attribute in common",
            fix="write facts after the prompts: a red rose<TAB>species=rose",
        )
    test = _labelled(unseen, attribute, _labels(data, attribute), data.seed)
    known = set(test.labels)
    if len(known) < 2:
        raise DataError(
            f"the {len(test.labels)} held-out pictures show {len(known)} of the requested labels",
            fix="use more pictures: a tenth of them is held out",
        )
    real = _labelled(train, attribute, known)
    painted = _painted(data, attribute, known)
    most = FULL_STEPS if data.full else QUICK_STEPS
    steps = max(FEWEST_STEPS, min(most, EPOCHS * len(painted.labels) // BATCH))
    found = yield from transfer(painted, real, test, steps=steps, batch_size=BATCH, seed=data.seed)
    return _part(found, attribute, steps)


def _part(found: Transfer, attribute: str, steps: int) -> Section:
    share = Figure(
        "real pictures read correctly",
        found.accuracy,
        found.tested,
        "%",
        wilson(found.painted, found.tested),
        found.real_accuracy,
        "high",
    )
    return Section(
        "transfer",
        TITLE,
        "A small classifier learns from the painted pictures alone and is tested on real ones that "
        "neither it nor the model has seen; another learns from as many real pictures. Where the "
        "painted ones are wrong or lack variety, the first one does worse.",
        (share,),
        notes=(
            f"a picture's label is the requested {attribute}, whatever was painted; "
            f"each classifier saw {found.n} pictures in {steps} steps",
        ),
        detail=found.as_dict() | {"attribute": attribute, "steps": steps},
    )


def _attribute(data: EvaluationData) -> str | None:
    """Return the first attribute that every prompt states."""
    names = [name for case in data.cases[:1] for name in case.facts]
    spoken = (name for name in names if all(name in case.facts for case in data.cases))
    return next(spoken, None)


def _labels(data: EvaluationData, attribute: str) -> list[str]:
    """Return the requested label of each painted picture."""
    asked = [case.facts[attribute] for case in data.cases]
    return [asked[data.case_of(i)] for i in range(len(data.x))]


def _painted(data: EvaluationData, attribute: str, known: Collection[str]) -> Labelled:
    labels = _labels(data, attribute)
    rows = [i for i, label in enumerate(labels) if label in known]
    return Labelled(to_uint8(data.x[rows]), [labels[i] for i in rows])


def _labelled(
    pictures: Pictures, attribute: str, asked: Collection[str], seed: int | None = None
) -> Labelled:
    """Return the real pictures with a requested label; with a seed, at most `MOST_TESTED`."""
    wanted = set(asked)
    rows = [i for i, one in enumerate(pictures.facts) if one.get(attribute) in wanted]
    chosen = pictures.rows(rows)
    if seed is not None:
        chosen = chosen.by_lot(MOST_TESTED, seed)
    return Labelled(chosen.pixels, [one[attribute] for one in chosen.facts])
