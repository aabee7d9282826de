"""The section that trains a reader on painted pictures and asks it about real ones.

From the metric's result to a `Section`. Knows nothing of how readers are trained.
"""

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
"""Steps of each of the two readers: at least, and at most with and without a limit of time."""

EPOCHS = 100
"""Beyond which a reader of few pictures learns nothing more."""

BATCH = 128

MOST_TESTED = 4000


def transfer_section(data: EvaluationData) -> Generator[Progress, None, Section]:
    """A reader trained on painted pictures with the labels that were asked, tested on real ones."""
    train, unseen = data.real.train, data.real.unseen
    if train is None or unseen is None:
        why = data.real.why_not or "the run's own pictures are not known"
        raise DataError(why, fix="put the data where the run had them")
    attribute = _attribute(data)
    if attribute is None:
        raise DataError(
            "not every prompt states a fact that the others state",
            fix="write facts behind the prompts: a red rose<TAB>species=rose",
        )
    test = _labelled(unseen, attribute, _labels(data, attribute), data.seed)
    known = set(test.labels)
    if len(known) < 2:
        raise DataError(
            f"{len(test.labels)} real pictures were held out of {len(known)} of the asked labels",
            fix="more pictures: a tenth of them is held out",
        )
    real = _labelled(train, attribute, known)
    painted = _painted(data, attribute, known)
    most = FULL_STEPS if data.full else QUICK_STEPS
    steps = max(FEWEST_STEPS, min(most, EPOCHS * len(painted.labels) // BATCH))
    found = yield from transfer(painted, real, test, steps=steps, batch_size=BATCH, seed=data.seed)
    return _part(found, attribute, steps)


def _part(found: Transfer, attribute: str, steps: int) -> Section:
    share = Figure(
        "real pictures read right",
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
            f"a picture's label is the {attribute} that was asked for, whatever was painted; "
            f"each classifier saw {found.n} pictures in {steps} steps",
        ),
        detail=found.as_dict() | {"attribute": attribute, "steps": steps},
    )


def _attribute(data: EvaluationData) -> str | None:
    """The first attribute that every prompt speaks of."""
    names = [name for case in data.cases[:1] for name in case.facts]
    spoken = (name for name in names if all(name in case.facts for case in data.cases))
    return next(spoken, None)


def _labels(data: EvaluationData, attribute: str) -> list[str]:
    """What each painted picture was asked for."""
    asked = [case.facts[attribute] for case in data.cases]
    return [asked[data.case_of(i)] for i in range(len(data.x))]


def _painted(data: EvaluationData, attribute: str, known: Collection[str]) -> Labelled:
    labels = _labels(data, attribute)
    rows = [i for i, label in enumerate(labels) if label in known]
    return Labelled(to_uint8(data.x[rows]), [labels[i] for i in rows])


def _labelled(
    pictures: Pictures, attribute: str, asked: Collection[str], seed: int | None = None
) -> Labelled:
    """The real pictures that show one of the asked labels; with a seed at most `MOST_TESTED`."""
    wanted = set(asked)
    rows = [i for i, one in enumerate(pictures.facts) if one.get(attribute) in wanted]
    chosen = pictures.rows(rows)
    if seed is not None:
        chosen = chosen.by_lot(MOST_TESTED, seed)
    return Labelled(chosen.pixels, [one[attribute] for one in chosen.facts])
