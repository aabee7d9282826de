"""Warnings of a decoder are silenced in its own thread, and the filters stay what they were."""

import threading
import warnings

import pytest
from PIL.Image import DecompressionBombWarning

from ddpm_clip.data.pictures.quiet import quiet


def test_inside_nothing_is_said_and_a_picture_far_too_large_is_raised():
    with quiet():
        warnings.warn("truncated", stacklevel=1)
        with pytest.raises(DecompressionBombWarning):
            warnings.warn("vast", DecompressionBombWarning, stacklevel=1)
    with pytest.warns(UserWarning, match="heard"):
        warnings.warn("heard", stacklevel=1)


def test_another_thread_is_heard_whoever_leaves_first():
    inside, leave = threading.Event(), threading.Event()

    def decode():
        with quiet():
            inside.set()
            leave.wait(5)

    threads = [threading.Thread(target=decode) for _ in range(3)]
    for thread in threads:
        thread.start()
    inside.wait(5)
    with pytest.warns(UserWarning, match="heard"):
        warnings.warn("heard", stacklevel=1)
    with warnings.catch_warnings():
        leave.set()
        for thread in threads:
            thread.join()
    with pytest.warns(UserWarning, match="still heard"):
        warnings.warn("still heard", stacklevel=1)
