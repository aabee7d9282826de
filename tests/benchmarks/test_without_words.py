"""Pictures without words: what is claimed of measured arms."""

import pytest


@pytest.fixture
def without_words(soak):
    return soak("without_words")


def arm(accepted, painted, nearer):
    return {
        "accepted": {"share": accepted},
        "against_unseen": {"frechet": {"painted": painted, "real": 2.0}},
        "copies": {"pixels": {"closer_to_train": {"share": nearer}}},
    }


def test_it_claims_of_what_the_command_does_that_it_is_good_and_copies_nothing(without_words):
    found = {
        f"digits, {without_words.USUAL}": arm(0.96, 5.0, 0.53),
        f"digits, {without_words.BRANCH}": arm(0.1, 50.0, 0.9),
        f"flowers, {without_words.USUAL}": arm(0.94, 7.0, 0.40),
    }
    holds = [one["holds"] for one in without_words.claims(found)]
    assert holds == [True] * 3 + [False] * 3
    assert without_words.claims({}) == []
