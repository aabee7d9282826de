"""The section that looks for copies of training pictures, in features and in pixels.

The section has the figures of the audits and a sheet of the most suspicious pictures.
"""

from collections.abc import Generator

import torch

from ddpm_clip.errors import DataError
from ddpm_clip.evaluation.metrics.features import pixel_features
from ddpm_clip.evaluation.metrics.memorisation import Audit, audit
from ddpm_clip.evaluation.report.evaluation_data import EvaluationData
from ddpm_clip.evaluation.report.evaluators import TRAINED
from ddpm_clip.evaluation.report.nearest_sheet import nearest_sheet
from ddpm_clip.reports.figures import Figure, Section, Sheet
from ddpm_clip.statistics.intervals import wilson
from ddpm_clip.types import Progress

TITLE = "Copies of training pictures"
ON_SHEET = "The painted pictures nearest to a training picture, above their neighbours"

MOST_PAINTED = 2000
MOST_TRAIN, MOST_TRAIN_IN_TIME = 20_000, 8000
"""Most training pictures searched, without and with a time limit."""

MOST_HELDOUT, MOST_HELDOUT_IN_TIME = 2000, 1000
FLOATS = 2**27
"""Most pixel values of the training pictures in memory: half a gigabyte as float32."""

OWN_POOL = 100
"""With this many pictures held out of the training's own pool, no other split is needed."""

FEWEST = 10
"""With fewer held-out pictures, nothing can be said about what is near by chance."""

READS = (
    "Each painted picture is compared with the training pictures and with pictures of the same "
    "kind that the model never saw. By chance, half of them are closer to the training set when "
    "both sets are equally large. A copy is nearer to a training picture than any held-out picture "
    "is. Look at the sheet as well: it shows the most suspicious pictures."
)


def copies_section(data: EvaluationData) -> Generator[Progress, None, Section]:
    """Audit the painted pictures in pixels and, if there is a network, in its features."""
    train, (unseen, unseen_is) = data.real.train, data.real.for_audit(OWN_POOL)
    if train is None:
        why = data.real.why_not or "the training pictures are not known"
        raise DataError(why, fix="put the data back where the run had them")
    if unseen is None or len(unseen) < FEWEST:
        raise DataError(
            f"only {len(unseen or ())} pictures were held out of the training",
            fix="use more pictures: a tenth of them is held out (data.heldout)",
        )
    painted = data.x[_some(len(data.x), MOST_PAINTED, data.seed)]
    most = MOST_TRAIN if data.full else MOST_TRAIN_IN_TIME
    most = min(most, max(2, FLOATS // painted[0].numel()))
    shown = train.by_lot(most, data.seed)
    heldout = unseen.by_lot(MOST_HELDOUT if data.full else MOST_HELDOUT_IN_TIME, data.seed)
    audits: dict[str, Audit] = {}
    spaces = {"pixels": pixel_features}
    if data.net is not None or data.scorer.net is not None:
        spaces["features"] = data.look
    for i, (name, look) in enumerate(spaces.items()):
        yield Progress("nearest pictures", i, len(spaces))
        rows = (look(one) for one in (painted, shown.pixels, heldout.pixels))
        audits[name] = audit(*rows, seed=data.seed)
    yield Progress("nearest pictures", len(spaces), len(spaces))
    best = audits.get("features", audits["pixels"])
    sheet = Sheet(nearest_sheet(painted, shown.pixels, heldout.pixels, best), ON_SHEET)
    searched = (
        f"{len(shown)} of {data.real.trained_on or len(train)} training pictures were "
        f"searched, and {len(heldout)} that the model never saw ({unseen_is})"
    )
    notes = (searched, *_notes(data))
    detail = {name: one.as_dict() for name, one in audits.items()}
    figures = tuple(figure for name, one in audits.items() for figure in _figures(name, one))
    return Section("copies", TITLE, READS, figures, notes=notes, detail=detail, sheet=sheet)


def _figures(space: str, found: Audit) -> tuple[Figure, ...]:
    return (
        Figure(
            f"copies ({space}; {found.verdict})",
            found.duplicates / found.n,
            found.n,
            "%",
            wilson(found.duplicates, found.n),
            found.heldout_duplicates / found.heldout_n,
            "low",
        ),
        Figure(
            f"closer to training than to held-out pictures ({space})",
            found.share,
            found.decided,
            "%",
            found.interval,
            better="50 %",
        ),
        Figure(
            f"distance to the nearest training picture, relative to the second nearest ({space})",
            found.ratio,
            found.n,
            "",
            None,
            found.heldout_ratio,
            "as real",
        ),
    )


def _notes(data: EvaluationData) -> tuple[str, ...]:
    notes = []
    if len(data.x) > MOST_PAINTED:
        notes.append(f"{MOST_PAINTED} of the painted pictures were searched")
    if data.judge.about.get("kind") == TRAINED:
        notes.append(
            "the features are those of a judge that was trained on the same training pictures, "
            "which may single these out: trust the pixels more"
        )
    return tuple(notes)


def _some(n: int, most: int, seed: int) -> torch.Tensor:
    """Return min(n, most) random row numbers, sorted."""
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    return order[:most].sort().values
