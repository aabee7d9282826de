"""Generators are run to their end, and their result is handed over."""

import pytest

from ddpm_clip.utils.generators import finish


def work():
    yield from "ab"
    return "result"


def test_the_result_is_handed_over_and_all_that_is_yielded_is_shown_in_order():
    shown = []
    assert finish(work()) == "result"
    assert finish(work(), shown.append) == "result"
    assert shown == ["a", "b"]


def test_what_was_begun_is_gone_on_with():
    begun, shown = work(), []
    next(begun)
    assert finish(begun, shown.append) == "result"
    assert shown == ["b"]


def test_an_end_that_the_showing_raises_is_not_taken_for_the_end_of_the_work():
    def show(said):
        raise StopIteration("not mine")

    going = work()
    with pytest.raises(StopIteration, match="not mine"):
        finish(going, show)
    assert next(going) == "b"  # still open
