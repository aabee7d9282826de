"""An evaluation as JSON: every figure, every reason, every seed that is shown.

Knows nothing of files.
"""

from typing import Any

from ddpm_clip.evaluation.report.evaluate import Evaluation

FORMAT = 1


def as_json(evaluation: Evaluation) -> dict[str, Any]:
    """The JSON form; pictures are told by prompt and seed."""
    return {
        "format": FORMAT,
        "made": dict(evaluation.made),
        "seconds": round(evaluation.seconds, 1),
        "model": dict(evaluation.model),
        "painted": evaluation.plan.as_dict(),
        "first_seed": evaluation.first_seed,
        "parts": {section.name: section.as_dict() for section in evaluation.sections},
        "not_measured": {one.name: one.as_dict() for one in evaluation.skipped},
        "prompts": [{"prompt": case.prompt, "facts": case.facts} for case in evaluation.plan.cases],
        "shown": [
            {"prompt": one.prompt, "seed": one.seed, "verdict": one.verdict, "read": one.read}
            for one in evaluation.shown
        ],
    }
