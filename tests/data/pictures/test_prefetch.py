"""Work ahead of time: in order, bounded, errors where they belong, and soon gone."""

import threading
import time

import pytest

from ddpm_clip.data.pictures.prefetch import PORTION, prefetched


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_results_come_in_order(workers):
    def work(i):
        time.sleep(0.002 * (i % 3 == 0))
        return i * i

    assert list(prefetched(work, range(50), workers=workers, window=16)) == [
        i * i for i in range(50)
    ]


@pytest.mark.slow
def test_no_more_is_made_than_the_window_allows():
    begun = []
    results = prefetched(lambda i: begun.append(i) or i, range(1000), workers=2, window=24)
    for _ in range(3):
        next(results)
    time.sleep(0.1)
    assert 3 <= len(begun) <= 24 + 2 * PORTION
    results.close()


@pytest.mark.parametrize("workers", [0, 2])
def test_an_error_comes_after_the_results_before_it(workers):
    def work(i):
        if i == 13:
            raise ValueError("thirteen")
        return i

    got = []
    with pytest.raises(ValueError, match="thirteen"):
        got.extend(prefetched(work, range(40), workers=workers, window=16))
    assert got == list(range(13))


def test_the_next_results_are_made_while_the_caller_is_busy():
    made = threading.Event()
    results = prefetched(
        lambda i: made.set() if i == PORTION else i, range(40), workers=1, window=16
    )
    next(results)
    assert made.wait(5)
    results.close()


@pytest.mark.slow
def test_closing_waits_for_nobody_and_begins_nothing_more():
    go, begun = threading.Event(), []

    def work(i):
        begun.append(i)
        if i >= PORTION:
            go.wait(20)
        return i

    results = prefetched(work, range(10 * PORTION), workers=1, window=64)
    next(results)
    while len(begun) <= PORTION:
        time.sleep(0.01)
    began = time.monotonic()
    results.close()
    assert time.monotonic() - began < 5
    go.set()
    time.sleep(0.1)
    assert len(begun) <= 2 * PORTION


def test_an_interrupt_leaves_at_once_while_a_thread_is_still_at_work():
    go = threading.Event()

    def consume():
        for i in prefetched(
            lambda i: go.wait(20) if i >= PORTION else i, range(80), workers=2, window=32
        ):
            if i == PORTION - 1:
                raise KeyboardInterrupt

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        consume()
    assert time.monotonic() - began < 5
    go.set()
