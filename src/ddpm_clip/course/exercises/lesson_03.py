"""Exercises of lesson 03: group norm, rearranging, overlaps, features of time, groups."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from ddpm_clip.course.exercises.given.cases import normal
from ddpm_clip.course.grading import Case, Exercise, Finding, Mistake
from ddpm_clip.course.grading.exercise import Answer
from ddpm_clip.models.layers import TimeEmbedding

EPS = 1e-5


def _norm_cases(seed: int) -> list[Case]:
    faint = 1e-3 * normal(seed + 2, 2, 4, 5, 5)  # only here eps makes a difference
    return [(normal(seed, 3, 8, 4, 4) * 2 + 1, 4), (normal(seed + 1, 1, 6, 3, 5), 2), (faint, 1)]


def _norm_over(dims: tuple[int, ...], *, unbiased: bool = False, eps: float = EPS) -> Answer:
    """Return a normalisation of x (b, groups, c/groups, h, w) over some dimensions."""

    def normalise(x: Tensor, groups: int) -> Tensor:
        y = x.unflatten(1, (groups, -1))
        mean = y.mean(dims, keepdim=True)
        variance = y.var(dims, keepdim=True, unbiased=unbiased)
        return ((y - mean) / (variance + eps).sqrt()).flatten(1, 2)

    return normalise


GROUP_NORM = Exercise(
    id="3.1",
    name="group_norm",
    parameters=("x", "groups"),
    question="Normalise x (b, c, h, w) within each picture and group of channels; eps is 1e-5.",
    truth=lambda x, groups: F.group_norm(x, groups, eps=EPS),
    cases=_norm_cases,
    mistakes=(
        Mistake(
            "statistics of the whole batch",
            _norm_over((0, 2, 3, 4)),
            "Each picture has its own mean and variance; that is the point of GroupNorm.",
        ),
        Mistake(
            "unbiased variance",
            _norm_over((2, 3, 4), unbiased=True),
            "Norms divide by n and not by n - 1; torch's var divides by n - 1 if not told.",
        ),
        Mistake(
            "each channel on its own",
            _norm_over((3, 4)),
            "The channels of a group share their mean and variance.",
        ),
        Mistake(
            "all channels together",
            lambda x, groups: F.group_norm(x, 1, eps=EPS),
            "That is one group; the channels should be split into `groups` of them.",
        ),
        Mistake("eps forgotten", _norm_over((2, 3, 4), eps=0.0), "A faint map would be blown up."),
    ),
    hints=(
        "Split the channels into groups first, so that a group is a dimension of its own.",
        "Take mean and variance over all dimensions but the picture and the group.",
        "Add eps to the variance before taking the root, then bring the shape back.",
    ),
    explanation=(
        "Mean and variance are taken over the channels of a group and all places of one picture, "
        "so a picture's output does not depend on its neighbours in the batch (Wu & He 2018)."
    ),
)


def _pool_cases(seed: int) -> list[Case]:
    return [
        (normal(seed, 2, 3, 4, 6),),
        (normal(seed + 1, 1, 1, 2, 2),),
        (normal(seed, 1, 2, 8, 8),),
    ]


def _position_first(x: Tensor) -> Tensor:
    b, c, height, width = x.shape
    y = x.reshape(b, c, height // 2, 2, width // 2, 2).permute(0, 3, 5, 1, 2, 4)
    return y.reshape(b, 4 * c, height // 2, width // 2)


def _nothing_lost(answer: Answer) -> Finding:
    x = normal(8, 2, 3, 4, 6)
    got = answer(x)
    kept = torch.equal(got.flatten().sort().values, x.flatten().sort().values)
    hint = "Rearranging moves numbers; it neither drops nor mixes any."
    return Finding("nothing lost", kept, "the same numbers", "others, or some twice", hint)


REARRANGE = Exercise(
    id="3.2",
    name="rearrange_pool",
    parameters=("x",),
    question="Halve x (b, c, h, w) to (b, 4c, h/2, w/2): each 2 x 2 block becomes four channels.",
    truth=lambda x: F.pixel_unshuffle(x, 2),
    cases=_pool_cases,
    properties=(_nothing_lost,),
    mistakes=(
        Mistake(
            "pixels of one block torn apart",
            lambda x: x.reshape(x.shape[0], 4 * x.shape[1], x.shape[2] // 2, x.shape[3] // 2),
            "A plain reshape cuts the picture into strips; the dimensions have to be moved.",
        ),
        Mistake(
            "position before channel",
            _position_first,
            "The four pixels of a channel should lie next to each other: channel first.",
        ),
        Mistake(
            "mean of each block",
            lambda x: F.avg_pool2d(x, 2),
            "A mean keeps one number of four. Here all four are kept.",
        ),
        Mistake(
            "one pixel of each block",
            lambda x: x[..., ::2, ::2],
            "A stride keeps one number of four. Here all four are kept.",
        ),
    ),
    hints=(
        "Give the two rows and the two columns of each block a dimension of their own.",
        "Then move these two dimensions behind the channels.",
        "At last join the channels with the two dimensions, in this order.",
    ),
    explanation=(
        "The blocks get dimensions of their own by a reshape, are moved behind the channels, and "
        "become channels. It can be undone exactly, unlike any pooling."
    ),
)


def _overlaps_truth(n: int, kernel: int, stride: int) -> list[int]:
    ones = torch.ones(1, 1, n, dtype=torch.float64)
    made = F.conv_transpose1d(ones, torch.ones(1, 1, kernel, dtype=torch.float64), stride=stride)
    return [round(one) for one in made.flatten().tolist()]


def _interior(n: int, kernel: int, stride: int) -> list[int]:
    length = (n - 1) * stride + kernel
    return [len(range(j % stride, kernel, stride)) for j in range(length)]


def _one_place_short(n: int, kernel: int, stride: int) -> list[int]:
    inside = _overlaps_truth(n, kernel - 1, stride) if kernel > 1 else [0] * ((n - 1) * stride)
    return [*inside, 0]


def _overlap_cases(seed: int) -> list[Case]:
    return [(4, 3, 2), (5, 2, 2), (3, 4, 2), (4, 1, 2), (1, 3, 2), (6, 5, 3)]


OVERLAPS = Exercise(
    id="3.3",
    name="overlaps",
    parameters=("n", "kernel", "stride"),
    question="How many stamps of a transposed convolution fall on each place of its output row?",
    truth=_overlaps_truth,
    cases=_overlap_cases,
    mistakes=(
        Mistake(
            "border taken for the interior", _interior, "At the two ends fewer stamps overlap."
        ),
        Mistake(
            "one number for all places",
            lambda n, k, s: [k // s] * ((n - 1) * s + k),
            "Where the stride does not divide the kernel, places differ. That is the checkerboard.",
        ),
        Mistake(
            "places of the input",
            lambda n, k, s: _overlaps_truth(n, k, s)[::s][:n],
            "The list should have one number for each place of the output.",
        ),
        Mistake(
            "stamps one place short",
            _one_place_short,
            "A stamp that begins at place j covers `kernel` places, j included.",
        ),
    ),
    hints=(
        "Stamp i covers the places from i stride to i stride + kernel - 1.",
        "Begin with a list of zeros as long as the output, and add 1 for each place of each stamp.",
        "How long is the output? See exercise 1.2, without padding.",
    ),
    explanation=(
        "Every input number stamps a kernel. Kernel 3 and stride 2 add 1, 1, 2, 1, 2, …: some "
        "places get twice as much, which shows as a checkerboard. Kernel 2 or 4 are even."
    ),
)


def _time_cases(seed: int) -> list[Case]:
    rows = torch.tensor([0.0, 1.0, 2.0, 500.0, 999.0])
    return [(rows, 1000, 32), (rows[:3], 150, 8)]


def _bounded(answer: Answer) -> Finding:
    hint = "Large inputs saturate a network; sines and cosines never leave [-1, 1]."
    largest = float(answer(torch.arange(1000.0), 1000, 32).abs().max())
    return Finding("bounded", largest <= 2, "at most 2", f"{largest:.4g}", hint)


def _neighbours_apart(answer: Answer) -> Finding:
    rows = answer(torch.arange(1000.0), 1000, 32).double()
    least = float((rows[1:] - rows[:-1]).norm(dim=1).min())
    hint = "Your fastest frequency is too slow: neighbouring timesteps look the same."
    told = "a distance above 0.1"
    return Finding("neighbouring timesteps apart", least > 0.1, told, f"{least:.4f}", hint)


def _all_apart(answer: Answer) -> Finding:
    rows = answer(torch.arange(1000.0), 1000, 32).double()
    away = torch.cdist(rows, rows) + 10 * torch.eye(1000, dtype=torch.float64)
    least, (a, b) = float(away.min()), divmod(int(away.argmin()), 1000)
    hint = "With one frequency, timesteps a full turn apart look the same. Use many."
    got = f"{least:.4f} between t = {a} and t = {b}"
    return Finding("all timesteps apart", least > 0.1, "above 0.1", got, hint)


def _fractional(answer: Answer) -> Finding:
    rows = answer(torch.tensor([3.0, 3.5, 4.0]), 1000, 32).double()
    least = float(min((rows[1] - rows[0]).norm(), (rows[2] - rows[1]).norm()))
    hint = "Samplers ask between timesteps; do not round t to whole numbers."
    told = "t = 3.5 differs from 3 and from 4"
    return Finding("fractional timesteps", least > 0.01, told, f"a distance of {least:.4f}", hint)


TIME_FEATURES = Exercise(
    id="3.4",
    name="time_features",
    parameters=("t", "T", "dim"),
    question="Turn timesteps t (b,) into dim features each, so that all T timesteps are apart.",
    truth=lambda t, T, dim: TimeEmbedding(T, dim, 8).features(t),
    cases=_time_cases,
    properties=(_bounded, _neighbours_apart, _all_apart, _fractional),
    compares=False,
    hints=(
        "One sine cannot do it: it repeats. Use sines and cosines of several frequencies.",
        "The fastest tells neighbours apart: about one radian a timestep.",
        "The slowest tells the ends apart: about half a turn over all T. Space the others evenly "
        "on a logarithmic scale.",
    ),
    explanation=(
        "Fast waves tell neighbours apart, slow ones tell where in the schedule they are. t / T "
        "alone moves by 0.001 from one timestep to the next, which a network hardly sees."
    ),
)


def _groups_truth(channels: int, most: int) -> int:
    return max(g for g in range(1, min(channels, most) + 1) if channels % g == 0)


def _divides(answer: Answer) -> Finding:
    for channels, most in ((64, 32), (48, 32), (10, 8), (7, 4), (12, 5), (2, 32)):
        groups = answer(channels, most)
        valid = isinstance(groups, int) and 1 <= groups <= most and channels % groups == 0
        if not valid:
            told = f"1 to {most} groups that divide {channels} channels"
            hint = "GroupNorm needs groups of equal size, and at least one of them."
            return Finding("equal groups", False, told, str(groups), hint)
    return Finding("equal groups", True)


GROUPS_FOR = Exercise(
    id="3.5",
    name="groups_for",
    parameters=("channels", "most"),
    question="Return the largest number of equal groups, at most `most`, of so many channels.",
    truth=_groups_truth,
    cases=lambda seed: [(64, 32), (48, 32), (10, 8), (7, 4), (12, 5), (2, 32), (96, 20)],
    properties=(_divides,),
    mistakes=(
        Mistake(
            "greatest common divisor",
            math.gcd,
            "It divides both numbers, but only the channels have to be divided.",
        ),
        Mistake(
            "always one group",
            lambda channels, most: 1,
            "One group always works, but the question asks for the largest number.",
        ),
    ),
    hints=(
        "Which numbers divide the channels without a rest?",
        "Try numbers from the largest that is allowed downwards.",
        "One group always works, so the search ends.",
    ),
    explanation="The largest divisor of the channels that is at most `most`; 1 always divides.",
)

EXERCISES = (GROUP_NORM, REARRANGE, OVERLAPS, TIME_FEATURES, GROUPS_FOR)
