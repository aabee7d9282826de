"""The ablation of emphasis: what it claims of measured arms."""

import pytest


@pytest.fixture
def emphasis(soak):
    return soak("emphasis")


def arm(share):
    return {"details": {"share": share}}


def test_it_claims_what_the_emphasis_of_runs_gives_against_none(emphasis):
    found = {
        "digits, emphasis 0": arm(0.80),
        f"digits, emphasis {emphasis.EMPHASIS:g}": arm(0.92),
        "flowers, emphasis 0": arm(0.60),
        f"flowers, emphasis {emphasis.EMPHASIS:g}": arm(0.63),
        "digits, emphasis 0.5": arm(0.99),
    }
    first, second = emphasis.claims(found)
    assert first["measured"] == pytest.approx(0.12)
    assert (first["holds"], second["holds"]) == (True, False)
    assert emphasis.claims({"digits, emphasis 0": arm(0.8)}) == []
