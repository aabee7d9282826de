"""Draw the pictures of the docs again: `python scripts/draw_docs_pictures.py [NAME ...]`.

Without names all of them, into docs/images; `--list` names them. Everything comes from the shipped
models, from first seeds, and nothing is picked out. About ten minutes on two cores, most of them
for the training of the tutorial. A folder as `explain` stands for all that is in it.
"""

import argparse
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from docs_pictures.emerging import emerging
from docs_pictures.evaluation import evaluation_neighbours, evaluation_page
from docs_pictures.explanations import CARDS, explanation
from docs_pictures.gap import gap_before_after
from docs_pictures.paper import ROOT, Missing
from docs_pictures.tutorial import tutorial_generate, tutorial_loss_curve, tutorial_samples

IMAGES = ROOT / "docs" / "images"
PICTURES: dict[str, Callable[[Path], Path]] = {
    "emerging.gif": emerging,
    "gap_before_after.png": gap_before_after,
    **{f"explain/{name}.png": partial(explanation, name) for name in CARDS},
    "evaluation_page.png": evaluation_page,
    "evaluation_neighbours.png": evaluation_neighbours,
    "tutorial_loss_curve.png": tutorial_loss_curve,
    "tutorial_samples.png": tutorial_samples,
    "tutorial_generate.png": tutorial_generate,
}
"""Every picture by its path below docs/images."""


def chosen(names: list[str]) -> list[str]:
    """The pictures that are named, by path, by path without its ending, or by folder.

    Raises:
        SystemExit: a name that is none of them.
    """
    found = []
    for name in names:
        fitting = [one for one in PICTURES if _named(one, name)]
        if not fitting:
            sys.exit(f"no picture is called {name!r}; there are: {', '.join(PICTURES)}")
        found += fitting
    return found or list(PICTURES)


def main(arguments: list[str] | None = None) -> int:
    """Draw, and say how long each took; 1 where one could not be drawn here."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("names", nargs="*", metavar="NAME", help="by default all")
    parser.add_argument("--list", action="store_true", help="name them and draw nothing")
    parser.add_argument("--out", type=Path, default=IMAGES, help="folder, by default docs/images")
    wanted = parser.parse_args(arguments)
    names, left = chosen(wanted.names), 0
    for name in names:
        if wanted.list:
            print(name)
            continue
        began = time.monotonic()
        try:
            size = PICTURES[name](wanted.out / name).stat().st_size
        except Missing as reason:
            print(f"{name}: left as it is. {reason}", file=sys.stderr)
            left = 1
        else:
            print(f"{name}: {size / 1000:.0f} kB, {time.monotonic() - began:.1f} s", flush=True)
    return left


def _named(picture: str, name: str) -> bool:
    name = name.rstrip("/")
    return name in (picture, picture.rpartition(".")[0]) or picture.startswith(f"{name}/")


if __name__ == "__main__":
    sys.exit(main())
