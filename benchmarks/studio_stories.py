"""What a person does in the studio, as stories that a browser plays: `STORIES[name](visit)`."""

import io
import statistics
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image
from studio_site import StudioProcess

READY = "picture-sheet:not(.waiting):not(.emerging) .open"
LONG = 900
"""Steps of a job that is stopped before its end."""

KEYS = "a thick seven that leans to the right"
TYPED = "a big red rose, then a yellow tulip, then a white daisy with a yellow center"
BETWEEN_KEYS = 100
"""Milliseconds between two keys of somebody who types fast."""


@dataclass
class Visit:
    """A browser at a studio.

    Attributes:
        site: The studio.
        tab: Opens a new tab, watched.
        figures: What was measured, by name.
    """

    site: StudioProcess
    tab: Callable[[], Any]
    figures: dict[str, Any] = field(default_factory=dict)

    def opened(self, view: str, model: str = "") -> Any:
        """A new tab that shows a view, once its models are known; by default of the first."""
        page = self.tab()
        page.goto(f"{self.site.url}/#/{view}")
        page.wait_for_selector(f'nav a[data-view="{view}"][aria-current]')
        page.wait_for_selector(".frame-tools option[value]", state="attached")
        if model:
            page.get_by_label("Model", exact=True).select_option(model)
        return page


def painted(page: Any, prompt: str) -> None:
    """Type a prompt, and wait for its pictures."""
    page.fill("#prompt", prompt)
    page.wait_for_selector(f'picture-sheet img[alt="{prompt}"]')
    page.wait_for_selector(READY)


def summary(values: list[float], digits: int = 3) -> dict[str, float]:
    """Median and 95th percentile."""
    ninety_fifth = sorted(values)[int(0.95 * (len(values) - 1))]
    return {
        "median": round(statistics.median(values), digits),
        "p95": round(ninety_fifth, digits),
        "n": len(values),
    }


def types(visit: Visit) -> None:
    """Types fast without a stop: how many sheets follow, and how soon after the last key."""
    page = visit.opened("paint", "flowers-fast")
    painted(page, "a rose")
    page.fill("#prompt", "")
    page.evaluate(COUNT)
    began = time.perf_counter()
    page.locator("#prompt").press_sequentially(TYPED, delay=BETWEEN_KEYS)
    seconds = time.perf_counter() - began
    visit.figures["sheets_a_second_while_typing"] = round(page.evaluate("sheets") / seconds, 2)
    visit.figures["keys_a_second"] = round(len(TYPED) / seconds, 2)


COUNT = """() => {
  window.sheets = 0;
  let shown = '';
  const look = () => {
    const tiles = [...document.querySelectorAll('picture-sheet:not(.waiting) li')];
    const now = tiles.map((tile) => tile.dataset.picture).join();
    const seen = tiles.every((tile) => {
      const image = tile.querySelector('img');
      return image?.complete && image.src.includes(tile.dataset.picture);
    });
    if (now && seen && now !== shown) {
      window.sheets += 1;
      shown = now;
    }
    requestAnimationFrame(look);
  };
  look();
}"""
"""Counts the different finished sheets that stand on the page, frame by frame."""


def paints(visit: Visit) -> None:
    """Types, and pictures follow: how long from a key to the sheet, and until one is cancelled."""
    for model in ("digits-fast", "digits"):
        page = visit.opened("paint", model)
        painted(page, "one")
        seconds = []
        for end in range(len(KEYS) - 20, len(KEYS) + 1):
            began = time.perf_counter()
            painted(page, KEYS[:end])
            seconds.append(time.perf_counter() - began)
        visit.figures[f"seconds_from_key_to_sheet, {model}"] = summary(seconds)
    page.get_by_label("Steps", exact=True).fill(str(LONG))
    page.get_by_label("Steps", exact=True).blur()
    page.wait_for_selector("picture-sheet.emerging canvas")
    id = page.evaluate("JSON.parse(sessionStorage.getItem('jobs')).paint.id")
    began = time.perf_counter()
    page.click("job-line button")
    state = f"fetch('/api/jobs/{id}').then(answer => answer.json()).then(job => job.state)"
    while page.evaluate(state) != "cancelled":
        time.sleep(0.005)
    visit.figures["seconds_to_cancel"] = round(time.perf_counter() - began, 3)


def looks_inside(visit: Visit) -> None:
    """Opens a picture: its way, its nearest pictures, and the first verdicts of `Why?`."""
    page = visit.opened("paint", "digits")
    painted(page, "a wide six")
    page.click("picture-sheet .open >> nth=0")
    page.wait_for_selector(".way canvas")
    page.locator(".way-slider input").fill("3")
    page.wait_for_selector(".row-of-pictures li, .look .notice")
    page.click("text=Why?")
    page.wait_for_selector(".analysis .mark")
    page.reload()
    page.wait_for_selector(".analysis .mark")  # the analyses go on, and come back
    page.click(".look job-line button")
    page.wait_for_selector(".look >> text=Cancelled.")


def uses_the_map(visit: Visit) -> None:
    """Sees where a prompt falls, paints from a point, and drags a path."""
    page = visit.opened("map", "digits")
    page.wait_for_selector(".map-legend:not(:empty)")
    page.fill(".map-side input[type=text]", "a thick seven")
    plane = page.locator("plane-canvas canvas")
    plane.click(position={"x": 300, "y": 250})
    page.wait_for_selector(READY)
    page.click("text=Drag a path")
    box = plane.bounding_box()
    page.mouse.move(box["x"] + 250, box["y"] + 200)
    page.mouse.down()
    page.mouse.move(box["x"] + 450, box["y"] + 320, steps=8)
    page.mouse.up()
    page.wait_for_selector(".tiles > li:nth-child(8)")
    page.wait_for_selector(READY)


EDITED = "[...document.querySelectorAll('.edit .tiles > li')].map(one => one.dataset.picture)"
"""The ids of the pictures of the Edit view."""


def edits(visit: Visit) -> None:
    """Varies, paints over, inpaints and blends; drops a PNG of ours and proves it."""
    page = visit.opened("paint", "digits-fast")  # whose edits of many steps its teacher does
    painted(page, "zero")
    page.click("picture-sheet .open >> nth=0")
    page.click(".look >> text=Edit")
    for kind in ("Vary", "Paint over", "Inpaint"):
        page.click(f".segments >> text={kind}")
        if kind != "Vary":
            page.get_by_label("With these words").fill("eight")
        if kind == "Inpaint":
            page.locator(".frame .mask").click(position={"x": 120, "y": 120})
        before = page.evaluate(EDITED)
        page.click(".edit-main .primary")
        while page.evaluate(EDITED) == before:
            page.wait_for_timeout(50)
        page.wait_for_selector(f".edit {READY}")
    with page.expect_download() as one:
        page.click(".tile-foot a >> nth=0")
    page.set_input_files(".edit-source input[type=file]", one.value.path())
    page.click(".origin >> text=Again")
    page.wait_for_selector(".origin .notice")


def uses_the_gallery(visit: Visit) -> None:
    """Searches, compares, downloads and deletes; scrolls through all of it."""
    page = visit.opened("gallery")
    page.wait_for_selector(".cell img")
    visit.figures["pictures_in_gallery"] = page.inner_text(".gallery-head .hint")
    frames = page.evaluate(SCROLL)
    visit.figures["milliseconds_a_frame_while_scrolling"] = summary(frames, 1)
    page.fill("input[type=search]", "nothing has this word")
    page.wait_for_selector("text=No picture has these words.")
    page.fill("input[type=search]", "")
    page.wait_for_selector(".cell img")
    for i in range(3):
        page.get_by_role("checkbox").nth(i).check(force=True)
    page.click("text=Side by side")
    page.keyboard.press("Escape")
    with page.expect_download() as some:
        page.click("text=Download as zip")
    assert len(zipfile.ZipFile(some.value.path()).namelist()) == 3
    page.click(".gallery-actions >> text=Delete")
    page.click("dialog .danger")
    page.wait_for_selector("text=Deleted 3 pictures.")


SCROLL = """async () => {
  const frames = [];
  const end = document.body.scrollHeight;
  let last = performance.now();
  for (let y = 0; y < end; y += 400) {
    window.scrollTo(0, y);
    await new Promise(requestAnimationFrame);
    const now = performance.now();
    frames.push(now - last);
    last = now;
  }
  return frames;
}"""


def drawn_zip() -> bytes:
    """A zip of 64 small pictures in two colours."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        for i in range(64):
            png = io.BytesIO()
            Image.new("RGB", (32, 32), (4 * i, 60, 255 if i % 2 else 0)).save(png, "PNG")
            packed.writestr(f"{i}.png", png.getvalue())
    return file.getvalue()


def trains(visit: Visit) -> None:
    """Drops a zip, reads the report, trains, stops, resumes, and paints with the result."""
    page = visit.opened("train")
    given = {"name": "a.zip", "mimeType": "application/zip", "buffer": drawn_zip()}
    page.set_input_files(".new-training input[type=file]", given)
    page.wait_for_selector("text=64 pictures received.")
    page.wait_for_selector(".finding")
    page.get_by_label("Name", exact=True).fill("two colours")
    page.get_by_label("Preset", exact=True).select_option("smoke")
    page.click(".new-training >> text=Steps")
    page.get_by_label("Steps", exact=True).last.fill("100000")
    page.get_by_label("Steps", exact=True).last.blur()
    page.click("text=Start training")
    page.wait_for_selector(".run .line")
    page.reload()
    page.wait_for_selector(".run .state.running")
    page.click(".run .buttons >> text=Stop")
    page.wait_for_selector(".run .state.stopped")
    page.click(".run .buttons >> text=Resume")
    page.wait_for_selector(".run .state.running")
    page.click(".run .buttons >> text=Stop")
    page.wait_for_selector(".run .state.stopped")
    page.click(".run .buttons >> text=Paint with it")
    page.wait_for_selector('nav a[data-view="paint"][aria-current]')


def reloads_and_keeps_tabs_apart(visit: Visit) -> None:
    """Reloads in the middle of a job, with another tab beside it."""
    page, other = visit.opened("paint", "digits"), visit.opened("paint", "digits")
    for one, words in ((page, "three"), (other, "nine")):
        one.get_by_label("Steps", exact=True).fill(str(LONG))
        one.get_by_label("Steps", exact=True).blur()
        one.fill("#prompt", words)
    page.wait_for_selector("picture-sheet.emerging canvas")
    page.reload()
    page.wait_for_selector("picture-sheet.emerging canvas")
    assert page.input_value("#prompt") == "three"
    assert other.input_value("#prompt") == "nine"
    for one in (page, other):
        one.click("job-line button")
        one.wait_for_selector("text=Cancelled.")


def survives_a_restart(visit: Visit) -> None:
    """The server is killed in the middle of a job, and started again."""
    page = visit.opened("paint", "digits")
    page.get_by_label("Steps", exact=True).fill(str(LONG))
    page.get_by_label("Steps", exact=True).blur()
    page.fill("#prompt", "four")
    page.wait_for_selector("picture-sheet.emerging canvas")
    visit.site.restart()
    page.wait_for_selector("picture-sheet.emerging canvas")
    assert page.input_value("#prompt") == "four"
    page.get_by_label("Steps", exact=True).fill("4")
    page.get_by_label("Steps", exact=True).blur()
    page.wait_for_selector(READY)


STORIES: dict[str, Callable[[Visit], None]] = {
    "paints while typing": types,
    "paints, and cancels": paints,
    "looks inside": looks_inside,
    "uses the map": uses_the_map,
    "edits": edits,
    "uses the gallery": uses_the_gallery,
    "trains": trains,
    "reloads, with two tabs": reloads_and_keeps_tabs_apart,
    "survives a restart": survives_a_restart,
}

ALLOWED = {"survives a restart": "ERR_CONNECTION|Failed to load resource"}
"""What the console may say: a browser itself tells of requests that nobody answers."""


def fill_gallery(home: Path, count: int) -> None:
    """Put pictures into a gallery before its studio is started."""
    from ddpm_clip.studio.gallery.history import History

    png = io.BytesIO()
    Image.new("RGB", (28, 28), (90, 60, 170)).save(png, "PNG")
    facts = {"seed": 1, "model": "digits", "size": "28x28", "steps": 20, "guidance": 2.0}
    pictures = [(png.getvalue(), facts | {"prompt": f"picture {i}"}) for i in range(count)]
    History(home / "gallery").add(pictures)
