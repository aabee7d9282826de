"""What a picture can do to its decoder ends with the decoder's process."""

import io
import os
import signal
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ddpm_clip.data.pictures import decoding, images
from ddpm_clip.data.pictures import sandbox as confined
from ddpm_clip.data.pictures.images import BadImage, open_image
from ddpm_clip.data.pictures.pixels import scan
from ddpm_clip.data.sources import open_source
from ddpm_clip.utils.generators import finish


def encoded(image, kind="PNG", **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def noise(width=40, height=20, mode="RGB"):
    shape = (height, width) if mode == "L" else (height, width, len(mode))
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, shape, np.uint8), mode)


@pytest.fixture
def fresh(monkeypatch):
    """No child of another test is at hand; those of this one are ended."""
    monkeypatch.setattr(confined, "_idle", [])
    yield
    confined._close_idle()


@pytest.mark.parametrize("kind", decoding.FORMATS)
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
def test_a_child_sees_what_this_process_sees(kind, mode):
    data = encoded(noise(mode="RGB" if kind == "JPEG" and mode == "RGBA" else mode), kind)
    inside = open_image(data, background="#804020")
    with confined.in_children():
        outside = open_image(data, background="#804020")
    assert (inside.mode, inside.size) == (outside.mode, outside.size)
    assert inside.tobytes() == outside.tobytes()


@pytest.mark.parametrize(
    "data", [b"<html>", encoded(noise(64, 64), "JPEG")[:900], b"BM" + bytes(9)]
)
def test_a_child_gives_the_same_reasons(data):
    with pytest.raises(BadImage) as inside:
        open_image(data, name="x")
    with pytest.raises(BadImage) as outside, confined.in_children():
        open_image(data, name="x")
    assert (inside.value.reason, inside.value.detail) == (
        outside.value.reason,
        outside.value.detail,
    )


@pytest.mark.slow
def test_a_decoder_that_crashes_costs_its_picture_and_nothing_else(fresh):
    good = encoded(noise())
    with confined.in_children():
        open_image(good)
        (child,) = confined._idle
        os.kill(child._process.pid, signal.SIGSTOP)  # so that it surely dies with a picture in hand
        threading.Timer(0.2, os.kill, (child._process.pid, signal.SIGKILL)).start()
        with pytest.raises(BadImage, match="crashed") as caught:
            open_image(good)
        assert caught.value.reason == "damaged"
        assert open_image(good).size == (40, 20)
        assert confined._idle != [child]


@pytest.mark.slow
def test_a_decoder_that_never_ends_is_ended(fresh, monkeypatch):
    with confined.in_children():
        open_image(encoded(noise()))
        (child,) = confined._idle
        os.kill(child._process.pid, signal.SIGSTOP)
        monkeypatch.setattr(confined, "SECONDS", 0.3)
        with pytest.raises(BadImage) as caught:
            open_image(encoded(noise()))
        assert caught.value.reason == "too-slow"
        assert not child.alive


@pytest.mark.slow
def test_a_picture_that_takes_too_much_memory_is_too_large(fresh, monkeypatch):
    start = confined.Child.__init__

    def start_with_less(child):
        start(child)
        import resource

        limit = 200 * 2**20
        resource.prlimit(child._process.pid, resource.RLIMIT_AS, (limit, limit))

    monkeypatch.setattr(confined.Child, "__init__", start_with_less)
    with pytest.raises(BadImage) as caught, confined.in_children():
        open_image(encoded(Image.new("RGBA", (7000, 7000))))
    assert caught.value.reason == "too-large"


def test_a_child_lacks_the_means_to_write(fresh):
    with confined.in_children():
        open_image(encoded(noise()))
    limits = Path(f"/proc/{confined._idle[0]._process.pid}/limits").read_text()
    rows = {line[:26].strip(): line[26:].split() for line in limits.splitlines()}
    assert rows["Max file size"][0] == "0"
    assert int(rows["Max address space"][0]) == decoding.MEMORY_MB * 2**20


@pytest.mark.slow
def test_threads_have_a_child_each_and_children_are_used_again(fresh):
    data = [encoded(Image.new("RGB", (5, 5), (i, 0, 0))) for i in range(40)]
    seen = [None] * len(data)

    def work(first):
        for i in range(first, len(data), 4):
            seen[i] = open_image(data[i]).getpixel((0, 0))[0]

    with confined.in_children():
        threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert seen == list(range(40))
    assert 1 <= len(confined._idle) <= 4


def test_a_pass_over_a_folder_decodes_in_children(fresh, tmp_path, monkeypatch):
    for i in range(3):
        noise().save(tmp_path / f"{i}.png")

    def never(*_):
        raise AssertionError("decoded in the process that trains")

    monkeypatch.setattr(images.decoding, "decoded", never)
    assert finish(scan(open_source(str(tmp_path)))) == []
    with pytest.raises(AssertionError):
        open_image(encoded(noise()))
