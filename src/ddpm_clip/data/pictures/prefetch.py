"""Runs work ahead of time in threads and yields the results in order, as for preprocessing."""

from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")

PORTION = 8
"""Tasks that a thread takes at once, because handing one over costs about 20 µs."""


def prefetched(
    work: Callable[[Task], Result], tasks: Sequence[Task], *, workers: int, window: int
) -> Generator[Result, None, None]:
    """Yield `map(work, tasks)`, computing up to `window` results before they are needed.

    An exception of `work` is raised here, after the results before it. Closing does not wait:
    running tasks end by themselves, and the rest never start.

    Args:
        work: Function that is called in `workers` threads at once.
        tasks: Arguments of `work`, in the order of the results.
        workers: Number of threads; 0 runs each task in the caller's thread when it is needed.
        window: Largest number of results computed ahead.
    """
    if workers < 1:
        yield from map(work, tasks)
        return
    pool = ThreadPoolExecutor(workers, thread_name_prefix="prefetched")
    waiting: deque[Future[tuple[list[Result], Exception | None]]] = deque()
    try:
        for start in range(0, len(tasks), PORTION):
            waiting.append(pool.submit(_portion, work, tasks[start : start + PORTION]))
            if len(waiting) * PORTION > window:
                yield from _results(waiting.popleft())
        while waiting:
            yield from _results(waiting.popleft())
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _portion(
    work: Callable[[Task], Result], tasks: Sequence[Task]
) -> tuple[list[Result], Exception | None]:
    results: list[Result] = []
    try:
        for task in tasks:
            results.append(work(task))
    except Exception as error:
        return results, error
    return results, None


def _results(future: "Future[tuple[list[Result], Exception | None]]") -> Iterator[Result]:
    results, error = future.result()
    yield from results
    if error is not None:
        raise error
