"""What is made of the bridges' pictures: differences, shares of the way, claims; planted counts."""

import importlib
from pathlib import Path

import pytest

N = 400
CEILING = "image embeddings (ceiling)"


@pytest.fixture
def bridges(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    return importlib.import_module("bridges")


def part(successes):
    """N pictures of which the first so many succeed."""
    share = successes / N
    return {
        "total": {
            "n": N,
            "success": successes,
            "share": share,
            "interval_95": [share - 0.01, share + 0.01],
        },
        "outcomes": "1" * successes + "0" * (N - successes),
    }


def found_with(**successes):
    found = {CEILING: part(380)}
    for gap in ("own gap", "planted gap", "no gap"):
        for name, k in successes.items():
            found[f"{gap}/{name}"] = part(k)
    return found


@pytest.mark.slow
def test_bridges_are_held_against_identity_and_the_oracle(bridges):
    table = bridges.compared(found_with(identity=180, shift=280, noise=80, knn=380, prior=370))
    rows = table["gaps"]["own gap"]["bridges"]
    assert table["gaps"]["own gap"]["best"] == "knn"
    assert rows["shift"]["minus_identity"]["difference"] == 0.25
    assert rows["shift"]["minus_identity"]["only_first"] == 100
    closed = {name: row["gap_closed"]["share"] for name, row in rows.items()}
    assert closed == {"identity": 0.0, "shift": 0.5, "noise": -0.5, "knn": 1.0, "prior": 0.95}
    low, high = rows["shift"]["gap_closed"]["interval_95"]
    assert 0.4 < low < 0.5 < high < 0.6


def test_no_share_is_told_of_a_way_that_is_no_way(bridges):
    table = bridges.compared(found_with(identity=376, shift=380))
    assert table["gaps"]["no gap"]["bridges"]["shift"]["gap_closed"] is None


@pytest.mark.slow
def test_claims_hold_where_a_bridge_helps_and_none_harms(bridges):
    found = found_with(identity=300, shift=296, noise=297, knn=380, prior=360)
    held = {one["claim"]: one["holds"] for one in bridges.claims(found)}
    assert held == {
        "own gap: success of knn minus identity, paired: lower end of the interval": True,
        "planted gap: success of knn minus identity, paired: lower end of the interval": True,
        "no gap: success lost by the worst bridge (shift)": True,
    }
    worse = found | {"no gap/noise": part(295), "own gap/knn": part(303), "own gap/prior": part(9)}
    held = {one["claim"]: one["holds"] for one in bridges.claims(worse)}
    assert held["no gap: success lost by the worst bridge (noise)"] is False
    assert (
        held["own gap: success of knn minus identity, paired: lower end of the interval"] is False
    )


@pytest.mark.slow
def test_nothing_is_claimed_of_a_gap_that_is_half_measured(bridges):
    assert bridges.claims(found_with(identity=300, shift=300)) == []
    assert bridges.compared({CEILING: part(3)})["gaps"] == {}


def test_pictures_are_drawn_again_alone_or_by_prompt(bridges):
    # every prompt succeeds always or never: other seeds change nothing, other prompts do
    arms = [[True] * 200 + [False] * 200, [False] * N]
    figure = lambda shares: float(shares[0] - shares[1])  # noqa: E731
    narrow = bridges.resampled(arms, figure)
    wide = bridges.resampled(arms, figure, block=100)
    assert wide[1] - wide[0] > 3 * (narrow[1] - narrow[0])
    assert narrow[0] < 0.5 < narrow[1]
    assert narrow[1] - narrow[0] == pytest.approx(2 * 1.96 * 0.5 / N**0.5, rel=0.15)
