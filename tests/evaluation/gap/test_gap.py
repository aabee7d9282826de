"""The gap: planted ones to the digit, and the published figures of a real CLIP."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from ddpm_clip.errors import DataError
from ddpm_clip.evaluation.gap.bridge_table import FLOOR, table_on_pairs
from ddpm_clip.evaluation.gap.measures import measure_gap, participation_ratio, top_coordinates
from ddpm_clip.evaluation.gap.modality_probe import FEWEST, probe_accuracy
from ddpm_clip.utils.generators import finish

TABLE = {
    "identity": (0.310, 0.194, 3.40, 1.61),
    "mean shift": (0.676, 0.315, 1.47, 1.00),
    "mean and std": (0.697, 0.356, 1.37, 1.00),
    "CORAL": (0.710, 0.360, 1.21, 0.96),
    "1-NN": (0.711, 0.374, 0.00, 0.97),
    "kNN-10": (0.779, 0.461, 0.22, 0.83),
    "shift + kNN-10": (0.780, 0.456, 0.60, 0.82),
    "Procrustes": (0.698, 0.361, 1.15, 1.00),
    "ridge": (0.798, 0.412, 0.58, 0.57),
    FLOOR: (0.533, 0.008, 1.00, 1.00),
}
"""Measured on 500 pairs of COCO by another program: cosine, centred, nearest, radius."""


def units(n, e=32, seed=0):
    rows = torch.randn(n, e, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return F.normalize(rows, dim=1)


@pytest.fixture(scope="module")
def coco(data_root):
    file = np.load(data_root / "clip_pairs" / "coco500_clip_vitb.npz", allow_pickle=False)
    return tuple(torch.from_numpy(file[kind]) for kind in ("image", "text"))


def test_the_effective_dimension_of_k_equal_directions_is_k():
    for k in (1, 3, 8):
        cross = torch.cat([torch.eye(16)[:k], -torch.eye(16)[:k]])
        assert participation_ratio(cross) == pytest.approx(k)
    assert participation_ratio(torch.zeros(5, 4)) == 0
    # Variances 3 and 1: (3 + 1)^2 / (9 + 1).
    assert participation_ratio(torch.diag(torch.tensor([3.0, 1.0]).sqrt())) == pytest.approx(1.6)


def test_the_coordinates_of_a_gap_are_named_with_their_share():
    top = top_coordinates(torch.tensor([0.0, 3.0, 0.0, -4.0]), 2)
    assert [number for number, _ in top] == [3, 1]
    assert [share for _, share in top] == pytest.approx([16 / 25, 9 / 25])


def test_a_planted_gap_is_measured_to_the_digit():
    """Pictures in one half of the coordinates, the same meaning around another axis: all known."""
    meaning = torch.cat([torch.eye(8), -torch.eye(8)]).double()
    images = F.normalize(torch.cat([meaning, torch.ones(16, 1), torch.zeros(16, 1)], 1), dim=1)
    texts = F.normalize(torch.cat([meaning, torch.zeros(16, 1), torch.ones(16, 1)], 1), dim=1)
    report = measure_gap(images, texts, paired=True)
    assert report.distance == pytest.approx(1)  # two means of length sqrt(1/2), at right angles
    assert report.share == pytest.approx(1)  # a text differs from its picture by the gap alone
    assert report.paired_cosine == pytest.approx(0.5)
    assert report.centred_cosine == pytest.approx(1)
    assert report.radius_ratio == pytest.approx(1)
    assert report.image_dimensions == report.text_dimensions == pytest.approx(8)
    assert dict(report.top[:2]) == pytest.approx({8: 0.5, 9: 0.5})
    # Of 15 other pictures one shows the opposite and 14 are at right angles: -1/2 and 0.
    assert report.unpaired_cosine == pytest.approx(-0.5 / 15)
    assert report.image_cosine == pytest.approx(((14 * 0.5) + 0) / 15)


def test_without_pairs_only_what_needs_none_is_said():
    report = measure_gap(units(40), units(30, seed=1), paired=False)
    assert (report.share, report.paired_cosine, report.centred_cosine) == (None,) * 3
    assert (report.probe, report.probe_after) == (None, None)
    assert (report.images, report.texts) == (40, 30)


def test_no_gap_has_no_distance():
    assert measure_gap(units(40), units(40), paired=True).distance == 0


@pytest.mark.parametrize(
    ("images", "texts", "paired"), [(1, 9, False), (9, 1, False), (9, 8, True), (0, 0, False)]
)
def test_what_are_no_clouds_or_no_pairs_is_refused(images, texts, paired):
    with pytest.raises(DataError):
        measure_gap(units(images), units(texts), paired=paired)
    with pytest.raises(DataError):
        measure_gap(units(9), units(9, e=31), paired=False)


def test_a_straight_cut_tells_far_clouds_apart_and_not_one_from_itself():
    away = torch.zeros(32).double().index_fill(0, torch.tensor([0]), 3.0)
    apart, after = probe_accuracy(units(1000), F.normalize(units(1000, seed=1) + away, dim=1))
    assert apart > 0.99
    assert after < 0.75
    same, _ = probe_accuracy(units(1000), units(1000, seed=1))
    assert same == pytest.approx(0.5, abs=0.04)  # two standard errors are 0.022
    assert probe_accuracy(units(FEWEST - 1), units(FEWEST)) == (None, None)


@pytest.mark.slow
@pytest.mark.data
def test_the_gap_of_a_real_clip_is_the_measured_one(coco):
    report = measure_gap(*coco, paired=True)
    assert report.paired_cosine == pytest.approx(0.310, abs=5e-4)
    assert report.unpaired_cosine == pytest.approx(0.162, abs=5e-4)
    assert report.image_cosine == pytest.approx(0.532, abs=1e-3)
    assert report.text_cosine == pytest.approx(0.515, abs=1e-3)
    assert report.distance == pytest.approx(0.851, abs=5e-4)
    assert report.share == pytest.approx(0.525, abs=5e-4)
    assert report.image_dimensions == pytest.approx(43, abs=0.5)
    assert [number for number, _ in report.top[:2]] == [442, 362]
    assert sum(share for _, share in report.top[:2]) == pytest.approx(0.69, abs=5e-3)
    assert report.probe == 1


@pytest.mark.slow
@pytest.mark.data
def test_the_bridges_on_a_real_clip_are_the_measured_ones(coco):
    table = finish(table_on_pairs(*coco, splits=4))
    assert [*TABLE] == [name for name in table if name != "prior"]
    for name, known in TABLE.items():
        row = table[name]
        found = (row.cosine, row.centred_cosine, row.nearest_ratio, row.radius_ratio)
        # Four splits instead of twenty: a standard error of .005, of .02 for the ratio of 3.40.
        assert found == pytest.approx(known, abs=0.03, rel=0.02), name


@pytest.mark.slow
@pytest.mark.data
def test_the_prior_keeps_the_radius_that_the_ridge_loses(coco):
    table = finish(table_on_pairs(*coco, splits=2))
    assert table["ridge"].radius_ratio < 0.6
    assert table["prior"].radius_ratio == pytest.approx(1, abs=0.05)
    assert table["prior"].nearest_ratio < table["mean shift"].nearest_ratio
    assert table["prior"].centred_cosine > table["identity"].centred_cosine


def test_too_few_pairs_are_not_compared():
    with pytest.raises(DataError, match="too few pairs"):
        finish(table_on_pairs(units(30), units(30)))
