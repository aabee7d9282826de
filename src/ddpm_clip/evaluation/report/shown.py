"""The pictures in the report: the first seeds of each prompt, not selected, failures marked."""

from dataclasses import dataclass

from PIL import Image

from ddpm_clip.config.limits import MAX_SEED
from ddpm_clip.evaluation.report.evaluation_data import EvaluationData
from ddpm_clip.utils.tensors import to_picture

SEEDS = 8
"""Number of pictures shown per prompt, from the first."""

PROMPTS = 60
"""Number of prompts shown, from the first."""

SUCCESS, FAILURE, REJECTED, UNJUDGED = "success", "failure", "rejected", "unjudged"


@dataclass(frozen=True, slots=True, eq=False)
class ShownPicture:
    """One painted picture and the judge's verdict.

    Attributes:
        image: the picture.
        prompt: its prompt.
        seed: the random seed that paints this picture alone again.
        verdict: "success", "failure" (judged as something else), "rejected" or "unjudged".
        read: what the judge reads of the requested attributes, or empty.
    """

    image: Image.Image
    prompt: str
    seed: int
    verdict: str
    read: str = ""

    def label(self) -> str:
        """Return its seed and verdict in words."""
        verdict = {
            SUCCESS: "judged as requested",
            REJECTED: f"rejected; nearest: {self.read}",
            FAILURE: f"judged as {self.read}",
            UNJUDGED: "not judged",
        }[self.verdict]
        return f"seed {self.seed}: {verdict}"


def first_seeds(data: EvaluationData, first_seed: int = 0) -> tuple[ShownPicture, ...]:
    """Return the first `SEEDS` pictures of the first `PROMPTS` prompts, prompt by prompt."""
    rows = [
        number * data.n + j
        for number in range(min(PROMPTS, len(data.cases)))
        for j in range(min(SEEDS, data.n))
    ]
    readings = _readings(data, rows)
    return tuple(
        ShownPicture(
            to_picture(data.x[row]),
            data.cases[data.case_of(row)].prompt,
            (first_seed + row) % (MAX_SEED + 1),
            _verdict(data, row),
            read,
        )
        for row, read in zip(rows, readings, strict=True)
    )


def _verdict(data: EvaluationData, row: int) -> str:
    verdict = data.verdicts[row]
    if verdict is None:
        return UNJUDGED
    if verdict.rejected:
        return REJECTED
    return SUCCESS if all(verdict.agrees.values()) else FAILURE


def _readings(data: EvaluationData, rows: list[int]) -> list[str]:
    """Return what the judge reads of the attributes that each picture was to show."""
    if data.net is None or not rows:
        return [""] * len(rows)
    said = data.net.read(data.x[rows])
    return [
        ", ".join(said[name].labels[i] for name in data.cases[data.case_of(row)].facts)
        for i, row in enumerate(rows)
    ]
