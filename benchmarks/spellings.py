"""Five spellings of a digit from the same noise, and the test that the course sets its students.

All spellings should give the same digit. The course's test takes fifty pictures, five of each
digit, of which 95 % must be right.
"""

import math
from collections.abc import Sequence
from typing import Any

import torch
from reporting import counted, finished
from torch import Tensor

from ddpm_clip import TextToImage
from ddpm_clip.data.captions.digit_words import DIGITS
from ddpm_clip.evaluation.judge.network import JudgeNet
from ddpm_clip.evaluation.prompts.cases import WORD, digit_cases
from ddpm_clip.evaluation.prompts.success import judged, paint_cases

SPELLINGS = ("{numeral}", WORD, "{Word}!", "the digit {word}", "a photo of the number {word}")
OWN_SEEDS, GATE_SEEDS = 1_000_000, 2_000_000
"""Offsets of the first seed, so that no part reuses the noise of another."""

REJECTED = "rejected"
PICTURES, NEEDED = 50, 0.95
"""Pictures of the course's test, and the share that must be right."""


def agreement(tti: TextToImage, judge: JudgeNet, n: int, seed: int, **how: Any) -> dict[str, Any]:
    """Count for how many of `n` seeds per digit all spellings give the same digit.

    A rejected picture agrees with nothing.

    Returns:
        "same": all five are read as one digit; "right": all five are read as the requested digit;
        "spellings": how many of each spelling are right.
    """
    read = []
    for spelling in SPELLINGS:
        asked = digit_cases(phrasings=[spelling])
        x = finished(paint_cases(tti, asked, n, seed + OWN_SEEDS, **how), spelling)
        read.append(readings(judge, x))
    asked_for = [digit for digit in DIGITS for _ in range(n)]
    same = agreeing(read)
    right = [ok and seen == digit for ok, seen, digit in zip(same, read[0], asked_for, strict=True)]
    each = {
        spelling: counted([a == b for a, b in zip(row, asked_for, strict=True)])
        for spelling, row in zip(SPELLINGS, read, strict=True)
    }
    found = {"same": by_digit(same, asked_for), "right": by_digit(right, asked_for)}
    total = found["same"]["total"]
    print(f"five spellings read alike: {total['success']} of {total['n']} seeds", flush=True)
    return found | {"spellings": each}


def agreeing(read: Sequence[Sequence[str]]) -> list[bool]:
    """Whether all rows read a picture the same, and none as `REJECTED`.

    >>> agreeing([["six", "six", "rejected"], ["six", "nine", "rejected"]])
    [True, False, False]
    """
    return [len(set(one)) == 1 and REJECTED not in one for one in zip(*read, strict=True)]


def readings(judge: JudgeNet, x: Tensor) -> list[str]:
    """The digit in each picture of x (b, c, h, w), or `REJECTED`."""
    labels: list[str] = []
    for part in x.split(256):
        rejected = judge(part)[1].tolist()
        said = judge.read(part)["digit"].labels
        labels += [REJECTED if bad else one for one, bad in zip(said, rejected, strict=True)]
    return labels


def by_digit(outcomes: Sequence[bool], digits: Sequence[str]) -> dict[str, Any]:
    """Counts in total and for each digit."""
    each = {
        name: counted([ok for ok, digit in zip(outcomes, digits, strict=True) if digit == name])
        for name in dict.fromkeys(digits)
    }
    return {"total": counted(outcomes), "digits": each}


def gates(tti: TextToImage, judge: JudgeNet, times: int, seed: int, **how: Any) -> dict[str, Any]:
    """Repeat the course's test, each time on its own pictures; the judge may also reject."""
    a_digit = PICTURES // len(DIGITS)
    asked = digit_cases(phrasings=[WORD])
    x = finished(paint_cases(tti, asked, times * a_digit, seed + GATE_SEEDS, **how), "gate")
    cases = [case for case in asked for _ in range(times * a_digit)]
    right: list[bool] = []
    for start in range(0, len(x), 256):
        part = slice(start, start + 256)
        right += [one.success for one in judged(judge, x[part], cases[part])]
    table = torch.tensor(right).view(len(asked), times, a_digit).sum((0, 2)).tolist()
    passed = counted([one >= math.ceil(NEEDED * PICTURES) for one in table])
    print(f"course's test passed {passed['success']} of {times} times: {table}", flush=True)
    return {
        "n": times,
        "passed": passed["success"],
        "times": passed,
        "right_of_50": table,
        "pictures": counted(right),
    }
