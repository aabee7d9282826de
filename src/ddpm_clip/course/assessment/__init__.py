"""The assessment: a student's own model paints sixty digits, and an independent judge reads them.

- `judging`: paints sixty digits from a submission, and says whether it passes
- `noise`: betas for the student's own functions, and a network of v that answers with the noise
- `refusing`: submissions that are not judged: shipped weights, one picture over and over, copies
- `submission`: what is handed in: weights, and a card that says how to rebuild the network
- `task`: the pictures, their conditions, and what is asked for
"""

from ddpm_clip.course.assessment.judging import AssessmentResult, judge_submission
from ddpm_clip.course.assessment.noise import AsNoise, cosine_betas
from ddpm_clip.course.assessment.submission import Submission, SubmissionCard, submit
from ddpm_clip.course.assessment.task import DigitTask

__all__ = [
    "AsNoise",
    "AssessmentResult",
    "DigitTask",
    "Submission",
    "SubmissionCard",
    "cosine_betas",
    "judge_submission",
    "submit",
]
