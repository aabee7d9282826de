"""Five spellings of a digit from the same noise, and the gate that the course sets its students.

The spellings must come out as the same digit; the gate is fifty pictures, five of each digit, of
which 95 % must be right. Knows nothing of files and options.
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
"""Added to the first seed, so that no part repeats the noise of another."""

REJECTED = "rejected"
PICTURES, NEEDED = 50, 0.95
"""Of the gate."""


def agreement(tti: TextToImage, judge: JudgeNet, n: int, seed: int, **how: Any) -> dict[str, Any]:
    """`n` seeds of every digit, each in all spellings: how many come out as the same digit?

    A rejected picture agrees with nothing.

    Returns:
        "same": all five are read as one digit; "right": and as the asked one; "spellings": how
        many of each are right.
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
    print(f"five spellings agree: {total['success']} of {total['n']} seeds", flush=True)
    return found | {"spellings": each}


def agreeing(read: Sequence[Sequence[str]]) -> list[bool]:
    """Whether all rows say the same of a picture, and none of them `REJECTED`.

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
    """Counts in all and of each digit."""
    each = {
        name: counted([ok for ok, digit in zip(outcomes, digits, strict=True) if digit == name])
        for name in dict.fromkeys(digits)
    }
    return {"total": counted(outcomes), "digits": each}


def gates(tti: TextToImage, judge: JudgeNet, times: int, seed: int, **how: Any) -> dict[str, Any]:
    """The gate so many times, each on pictures of its own; the judge may also reject."""
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
    print(f"the gate passes {passed['success']} of {times} times: {table}", flush=True)
    return {
        "n": times,
        "passed": passed["success"],
        "times": passed,
        "right_of_50": table,
        "pictures": counted(right),
    }
