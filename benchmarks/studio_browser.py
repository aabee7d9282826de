"""Claim: the studio's page does what it says, in a real browser, against the real server.

    python benchmarks/studio_browser.py                   ten minutes on two idle cores
    python benchmarks/studio_browser.py --stories edits   one story
    python benchmarks/studio_browser.py --no-screens      without the pictures of the docs

`ddpm-clip studio` is started with the shipped models and 5,000 pictures in its gallery. A headless
Chromium plays the stories of `studio_stories`, a reload, two tabs and a killed server among them.
Nothing may be said in the console and nothing asked from elsewhere. Then every view is drawn, light
and dark, 1,280 and 320 pixels wide, into docs/images/studio.
"""

import argparse
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from reporting import IMAGES, RESULTS, ROOT, claim, parsed, print_claims, write_results
from studio_screens import screens
from studio_site import StudioProcess
from studio_stories import ALLOWED, STORIES, Visit, fill_gallery

sys.path.insert(0, str(ROOT / "tests"))
from headless import Watched, chromium_path, launched

PAGE_SECONDS, SHEETS = 3.0, 5.0
FRAME_MILLISECONDS = 100.0
PATIENCE = 180_000
"""Milliseconds until a story gives up."""


def main() -> int:
    options = _options()
    path = chromium_path()
    if path is None:
        print("no Chromium is installed", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as place, launched(path) as browser:
        home, data = Path(place) / "home", Path(place) / "data"
        for folder in (home, data):
            folder.mkdir()
        fill_gallery(home, options.pictures)
        with StudioProcess(home, data) as site:
            told = {name: played(name, site, browser) for name in options.stories}
            for file in screens(browser, site.url, options.images) if options.screens else ():
                print(f"drawn: {file.name}, {file.stat().st_size / 1000:.0f} kB")
            told_start = site.seconds
    kept = claims(told, told_start)
    print_claims(kept)
    facts = {"claims": kept, "seconds_until_the_page": round(told_start, 2), "stories": told}
    write_results(options.out, facts)
    return 0 if all(one["holds"] for one in kept) else 1


def played(name: str, site: StudioProcess, browser: Any) -> dict[str, Any]:
    """Play a story, and tell how it ended and what was measured."""
    watched = Watched(site.url)
    context = browser.new_context(viewport={"width": 1280, "height": 900})

    def tab() -> Any:
        page = watched.watch(context.new_page())
        page.set_default_timeout(PATIENCE)
        return page

    visit, failure, began = Visit(site, tab), "", time.monotonic()
    try:
        STORIES[name](visit)
    except Exception as error:  # whatever it is, the other stories are played
        failure = f"{type(error).__name__}: {error}".splitlines()[0]
    context.close()
    allowed = re.compile(ALLOWED.get(name, r"(?!)"))
    errors = [said for said in watched.errors if not allowed.search(said)]
    print(f"{name}: {failure or 'done'}, {time.monotonic() - began:.1f} s, {errors}", flush=True)
    return {
        "failure": failure,
        "seconds": round(time.monotonic() - began, 1),
        "console_errors": errors,
        "requests": watched.requests,
        "requests_to_elsewhere": watched.foreign,
        **visit.figures,
    }


def claims(told: dict[str, dict[str, Any]], start: float) -> list[dict[str, Any]]:
    """What a release has to hold."""
    done = sum(not one["failure"] for one in told.values()) / len(told)
    kept = [
        claim("stories that end well", done, 1.0),
        claim("errors in the console", _count(told, "console_errors"), 0, at_most=True, unit=""),
        claim(
            "requests to elsewhere", _count(told, "requests_to_elsewhere"), 0, at_most=True, unit=""
        ),
        claim("the page after the command", start, PAGE_SECONDS, at_most=True, unit="s"),
    ]
    typing = told.get("paints while typing", {}).get("sheets_a_second_while_typing")
    if typing is not None:
        kept.append(claim("sheets a second while typing, 2 network calls", typing, SHEETS, unit=""))
    frames = told.get("uses the gallery", {}).get("milliseconds_a_frame_while_scrolling")
    if frames:
        text = "95 % of frames while scrolling the gallery"
        kept.append(claim(text, frames["p95"], FRAME_MILLISECONDS, at_most=True, unit="ms"))
    return kept


def _count(told: dict[str, dict[str, Any]], key: str) -> float:
    return float(sum(len(one[key]) for one in told.values()))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--stories", nargs="+", choices=STORIES, default=list(STORIES))
    parser.add_argument("--pictures", type=int, default=5000, help="pictures in the gallery")
    parser.add_argument("--no-screens", dest="screens", action="store_false")
    parser.add_argument("--images", type=Path, default=IMAGES / "studio")
    parser.add_argument("--out", type=Path, default=RESULTS / "studio_browser.json")
    return parsed(parser)


if __name__ == "__main__":
    sys.exit(main())
