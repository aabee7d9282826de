"""Work done a little ahead, in threads, by order: what pictures need before an encoder sees them.

Knows nothing of pictures.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")

PORTION = 8
"""Tasks a thread takes at once: handing one over costs some 20 µs."""


def ahead(
    work: Callable[[Task], Result], tasks: Sequence[Task], *, workers: int, window: int
) -> Generator[Result, None, None]:
    """`map(work, tasks)`, with up to `window` results made before they are asked for.

    What `work` raises is raised here, after the results before it. Closed, it waits for nobody:
    what is under way ends by itself, and the rest is never begun.

    Args:
        work: is called in `workers` threads at once.
        tasks: in the order of the results.
        workers: threads; 0 works in the caller's own, one task when one is asked for.
        window: the most results that wait.
    """
    if workers < 1:
        yield from map(work, tasks)
        return
    pool = ThreadPoolExecutor(workers, thread_name_prefix="ahead")
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
