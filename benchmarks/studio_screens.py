"""Screenshots of every view of the studio, light and dark, wide and narrow, for the docs."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from PIL import Image
from studio_stories import READY, painted

WIDTHS = {1280: 860, 320: 640}
"""Widths of the window in pixels, with its height."""

COLOURS = 160
"""Colours that a screenshot is stored with: a page has few."""

LOADED = "[...document.images].every(image => image.complete)"

Page = Any


def screens(browser: Any, url: str, folder: Path) -> Iterator[Path]:
    """Draw every view; yield each file."""
    folder.mkdir(parents=True, exist_ok=True)
    for scheme in ("light", "dark"):
        for width, height in WIDTHS.items():
            size = {"width": width, "height": height}
            context = browser.new_context(base_url=url, color_scheme=scheme, viewport=size)
            page = context.new_page()
            page.set_default_timeout(180_000)
            for name, show in VIEWS.items():
                show(page)
                while not page.evaluate(LOADED):
                    page.wait_for_timeout(50)
                yield _saved(page.screenshot(), folder / f"{name}-{scheme}-{width}.png")
            context.close()


def _saved(png: bytes, path: Path) -> Path:
    image = Image.open(io.BytesIO(png)).convert("RGB")
    image.quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
    return path


def _paint(page: Page) -> None:
    _at(page, "paint")
    page.locator(".frame-tools select").select_option("flowers")
    painted(page, "a red rose")
    page.evaluate("document.activeElement.blur()")


def _look(page: Page) -> None:
    page.click("picture-sheet .open >> nth=0")
    page.wait_for_selector(".way canvas")
    page.locator(".way-slider input").fill("9")
    page.wait_for_selector(".row-of-pictures li, .look .notice")


def _map(page: Page) -> None:
    _at(page, "map")
    page.wait_for_selector(".map-legend:not(:empty)")
    page.fill(".map-side input[type=text]", "a red rose")
    with page.expect_response(lambda answer: "/api/map/place" in answer.url):
        page.locator("plane-canvas canvas").click(position={"x": 120, "y": 150})
    page.wait_for_selector(READY)
    page.evaluate("window.scrollTo(0, 0)")


def _edit(page: Page) -> None:
    _at(page, "paint")
    page.wait_for_selector(READY)
    page.click("picture-sheet .open >> nth=0")
    page.click(".look >> text=Edit")
    page.click(".segments >> text=Inpaint")
    page.get_by_label("Brush, in pixels", exact=True).fill("14")
    page.get_by_label("Brush, in pixels", exact=True).blur()
    mask = page.locator(".frame .mask")
    mask.scroll_into_view_if_needed()
    box = mask.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.35)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + box["height"] * 0.45, steps=9)
    page.mouse.up()
    page.get_by_label("With these words").fill("a blue violet")
    page.click(".edit-main .primary")
    page.wait_for_selector(".edit picture-sheet.waiting, .edit picture-sheet.emerging")
    page.wait_for_selector(f".edit {READY}")
    page.evaluate("window.scrollTo(0, 0)")


def _gallery(page: Page) -> None:
    _at(page, "gallery")
    page.wait_for_selector(".cell img")


def _train(page: Page) -> None:
    _at(page, "train")
    page.wait_for_selector(".run .line")


def _at(page: Page, view: str) -> None:
    page.goto(f"/#/{view}")
    page.wait_for_selector(f'nav a[data-view="{view}"][aria-current]')
    page.wait_for_selector(".frame-tools select option[value=flowers]", state="attached")


VIEWS: dict[str, Callable[[Page], None]] = {
    "paint": _paint,
    "look": _look,
    "map": _map,
    "edit": _edit,
    "gallery": _gallery,
    "train": _train,
}
