"""Judges what a student wrote by what it does, and says what was expected and what came.

- `always`: what is tried first for every answer: can it be called, is it written, what it returns
- `comparing`: calls an answer, compares values, and shows them in a few words
- `exercise`: an exercise, the mistakes it knows, and a quiz
- `findings`: what was found about one answer
- `judging`: one answer to one exercise -> a grade
"""

from ddpm_clip.course.grading.exercise import Case, Exercise, Mistake, Quiz
from ddpm_clip.course.grading.findings import Finding, Grade
from ddpm_clip.course.grading.judging import grade

__all__ = ["Case", "Exercise", "Finding", "Grade", "Mistake", "Quiz", "grade"]
