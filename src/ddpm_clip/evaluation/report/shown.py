"""The pictures that a report shows: the first seeds of each prompt, none chosen, failures marked.

Knows nothing of pages.
"""

from dataclasses import dataclass

from PIL import Image

from ddpm_clip.config.limits import MAX_SEED
from ddpm_clip.evaluation.report.evaluation_data import EvaluationData
from ddpm_clip.utils.tensors import to_picture

SEEDS = 8
"""First pictures of a prompt that are shown."""

PROMPTS = 60
"""First prompts that are shown."""

SUCCESS, FAILURE, REJECTED, UNJUDGED = "success", "failure", "rejected", "unjudged"


@dataclass(frozen=True, slots=True, eq=False)
class ShownPicture:
    """One picture as it came out.

    Attributes:
        image: of it.
        prompt: that was asked.
        seed: with which this picture alone can be painted again.
        verdict: "success", "failure" (read as something else), "rejected" or "unjudged".
        read: what the judge read of the asked attributes, or nothing.
    """

    image: Image.Image
    prompt: str
    seed: int
    verdict: str
    read: str = ""

    def said(self) -> str:
        """Its seed and its verdict in words."""
        verdict = {
            SUCCESS: "read as asked",
            REJECTED: f"rejected; nearest: {self.read}",
            FAILURE: f"read as {self.read}",
            UNJUDGED: "not judged",
        }[self.verdict]
        return f"seed {self.seed}: {verdict}"


def first_seeds(data: EvaluationData, first_seed: int = 0) -> tuple[ShownPicture, ...]:
    """The first `SEEDS` pictures of the first `PROMPTS` prompts, prompt by prompt."""
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
    """What was read of the attributes that each picture was asked for."""
    if data.net is None or not rows:
        return [""] * len(rows)
    said = data.net.read(data.x[rows])
    return [
        ", ".join(said[name].labels[i] for name in data.cases[data.case_of(row)].facts)
        for i, row in enumerate(rows)
    ]
