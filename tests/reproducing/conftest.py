"""The model of digits that ships, and pictures that it painted into files."""

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from ddpm_clip.data.pictures.png_texts import KEY, read_parameters
from ddpm_clip.generation.files import paint_files
from ddpm_clip.generation.text_to_image import TextToImage
from ddpm_clip.utils.generators import finish

ASKED = {"n": 2, "seed": 5, "steps": 3, "guidance": (1.0, 2.0), "negative": "a zero", "batch": 3}


@pytest.fixture(scope="session")
def tti() -> TextToImage:
    return TextToImage.from_pretrained("digits", "cpu")


@pytest.fixture(scope="session")
def painted(tti, tmp_path_factory) -> list[Path]:
    """Eight pictures of two digits in batches of three, the last of two."""
    out = tmp_path_factory.mktemp("painted")
    work = paint_files(tti, ["a six", "a nine"], tti.settings(**ASKED), out)
    return [one.file for one in finish(work)]


@pytest.fixture
def told(painted, tmp_path):
    """`told(seed=6)` is a picture in a file whose parameters were changed; ... takes one out."""

    def changed(picture=None, **facts):
        source = picture or painted[3]
        known = read_parameters(source) | facts
        kept = {name: value for name, value in known.items() if value is not ...}
        return written(source, tmp_path / "changed.png", kept)

    return changed


def written(source: Path, path: Path, facts: object) -> Path:
    """The pixels of one file under other parameters."""
    info = PngInfo()
    info.add_itxt(KEY, json.dumps(facts))
    with Image.open(source) as image:
        image.save(path, pnginfo=info)
    return path


@pytest.fixture
def spoilt(tmp_path):
    """`spoilt(path)` is a copy with one pixel of one level more or less."""

    def copy(path: Path, at: tuple[int, int] = (14, 14), by: int = 1) -> Path:
        out = tmp_path / f"spoilt-{path.name}"
        shutil.copy(path, out)
        with Image.open(path) as image:
            text, value = image.text[KEY], image.getpixel(at)
            image.putpixel(at, value + by if value + by <= 255 else value - by)
            info = PngInfo()
            info.add_itxt(KEY, text)
            image.save(out, pnginfo=info)
        return out

    return copy
