"""Whether a model's pictures cover a prompt, in a sentence, and what could be asked instead."""

from typing import Any

from ddpm_clip.coverage.prompt_coverage import CoverageAnswer
from ddpm_clip.errors import DataError
from ddpm_clip.generation.text_to_image import TextToImage
from ddpm_clip.studio.unavailable import unavailable

VERDICTS = {"well covered": "covered"}
"""Verdicts that are one word here; the others are `thin` and `outside`."""


def asked(tti: TextToImage, prompt: str) -> dict[str, Any]:
    """Return the verdict on a prompt, or why there is none.

    Raises:
        UsageError: The prompt is invalid.
    """
    try:
        answer = tti.prompt_coverage.ask(prompt)
    except DataError as error:
        return unavailable(error)
    return {
        "prompt": answer.prompt,
        "verdict": VERDICTS.get(answer.verdict, answer.verdict),
        "sentence": _sentence(answer),
        "suggestions": [one.prompt for one in answer.suggestions],
        "similarity": round(answer.similarity, 4),
        "near": answer.near,
        "pictures": answer.pictures,
        "error": round(tti.prompt_coverage.coverage.error, 4),
    }


def _sentence(answer: CoverageAnswer) -> str:
    many = f"{answer.near:,} of {answer.pictures:,} training pictures are near these words."
    return f"{many} Of the prompts that they cover, {answer.percentile:.0f} % are less like them."
