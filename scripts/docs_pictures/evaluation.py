"""The page that `ddpm-clip evaluate` writes for the shipped digits, and its sheet of neighbours.

The command itself runs; the page is drawn as a headless Chromium shows it.
"""

import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from PIL import Image, ImageOps

from docs_pictures.paper import WIDTH, WORK, Missing, card, run_command, save

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
EACH = 20
"""Pictures a prompt."""

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--hide-scrollbars",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-device-scale-factor=2",
)
PAGE = (760, 1290)
"""CSS pixels of the window: as wide as a page of the docs, and down to the first table."""

COLUMNS, CELL = 7, 86
"""Of the sheet: how many are shown, and the pixels of one."""


def evaluation_page(path: Path) -> Path:
    """The top of the HTML page."""
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        raise Missing(f"a screenshot needs Chromium: none of {', '.join(BROWSERS)} is installed")
    with tempfile.TemporaryDirectory() as folder:
        shot = Path(folder) / "page.png"
        size = "--window-size={},{}".format(*PAGE)
        words = [browser, *QUIET, f"--user-data-dir={folder}/user"]
        page = (_report() / "evaluation.html").as_uri()
        subprocess.run(
            [*words, size, f"--screenshot={shot}", page], check=True, capture_output=True
        )
        with Image.open(shot) as image:
            return save(ImageOps.expand(image.convert("RGB"), 2, "#c8c8c8"), path, colours=48)


def evaluation_neighbours(path: Path) -> Path:
    """The first columns of nearest.png."""
    sheet = _report() / "nearest.png"
    if not sheet.is_file():
        raise Missing("copies are looked for in MNIST, which is not here: set DDPM_CLIP_DATA")
    with Image.open(sheet) as image:
        columns = round((image.width - CELL) // CELL)
        width = image.width - max(0, columns - COLUMNS) * CELL
        part = image.convert("RGB").crop((0, 0, width, image.height))
    return save(
        card(
            "Are painted digits copies of training pictures?",
            "The most suspicious ones, above their nearest neighbours. Numbers: distance to the "
            "training picture divided by that to the held-out one. A copy has 0; below 1 is usual, "
            "since there are many more training pictures.",
            _larger(part, WIDTH - 56),
        ),
        path,
    )


@cache
def _report() -> Path:
    """The folder of the evaluation; ten prompts, so that the page is short."""
    folder, asked = WORK / "evaluation", WORK / "asked.txt"
    WORK.mkdir(parents=True, exist_ok=True)
    asked.write_text("".join(f"{name}\tdigit={name}\n" for name in DIGITS), encoding="utf-8")
    how = ("--prompts", asked, "-n", EACH, "--out", folder, "--overwrite")
    run_command("evaluate", "digits", *how)
    return folder


def _larger(image: Image.Image, width: int) -> Image.Image:
    times = -(-width // image.width)
    large = image.resize((image.width * times, image.height * times), Image.Resampling.NEAREST)
    return large.resize((width, round(image.height * width / image.width)), Image.Resampling.BOX)
