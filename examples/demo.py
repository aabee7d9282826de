"""The main job from start to end: `make demo`, or `python examples/demo.py`.

Paints with the shipped models; then draws a folder of flower pictures without a single caption,
trains a model on it, and paints from words with that model. Everything goes through the command
line, and each command is printed before it runs, so that it can be repeated by hand. Knows
nothing of the library but `write_folder`, in the place of your camera.
"""

import argparse
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

from ddpm_clip.data.local.drawn_flowers import write_folder

HOME = Path("demo")
COMMAND = Path(sys.executable).with_name("ddpm-clip")
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
FLOWERS = (
    "a red rose",
    "an orange sunflower with a big brown center",
    "a round white daisy with a yellow center",
)
NOTHING = "none"


def main() -> None:
    """Three acts and the place of the last picture."""
    options = _arguments()
    began = time.monotonic()
    _say("1. The models that ship paint digits and flowers from words.")
    paint_with_shipped_models()
    _say(f"2. A folder of {options.count:,} flower pictures: no captions, no classes.")
    photos = draw_photos(options.count)
    _say(_training_title(options.steps, options.init))
    run = train(photos, options.steps, options.init)
    _say("4. The new model paints what it is asked for.")
    grid = paint(FLOWERS, str(run), HOME / "painted")
    minutes = (time.monotonic() - began) / 60
    _say(f"Done in {minutes:.1f} minutes. Look at these:")
    for picture in (HOME / "digits" / "grid.png", HOME / "flowers" / "grid.png", grid):
        print(f"  {picture.resolve()}")


def paint_with_shipped_models() -> None:
    """Both models that come with the package, four pictures a prompt."""
    paint(DIGITS, "digits", HOME / "digits")
    paint(FLOWERS, "flowers", HOME / "flowers")


def draw_photos(count: int) -> Path:
    """Fill a folder with pictures as they come off a camera: PNG files and nothing else."""
    folder = _fresh(HOME / "photos")
    write_folder(folder, count, size=32, seed=20)
    print(f"  {folder.resolve()}")
    return folder


def train(photos: Path, steps: int, init: str) -> Path:
    """Scan, embed with the small CLIP that ships, train, and draw sample grids into the run."""
    run = _fresh(HOME / "run")
    start = [] if init == NOTHING else ["--init", init]
    # the preset warms up for as long as this whole training lasts
    warmup = ["--set", f"training.warmup={max(1, steps // 10)}"]
    _ddpm_clip(
        "train", photos, "--preset", "flowers", "--out", run, "--steps", steps, *start, *warmup
    )
    return run


def paint(prompts: tuple[str, ...], model: str, out: Path) -> Path:
    """Four pictures a prompt; the grid that shows them together."""
    how = ("--model", model, "-n", 4, "--seed", 0, "--out", _fresh(out))
    _ddpm_clip("generate", *prompts, *how)
    return out / "grid.png"


def _ddpm_clip(*words: object) -> None:
    """Show a command as one would type it, then run it; its failure ends the demo."""
    arguments = [str(word) for word in words]
    print(f"\n$ {shlex.join(['ddpm-clip', *arguments])}", flush=True)
    # the paths on stdout are for pipes; the demo names the grids in the end
    done = subprocess.run([COMMAND, *arguments], stdout=subprocess.DEVNULL)
    if done.returncode:
        sys.exit(done.returncode)


def _fresh(folder: Path) -> Path:
    """Make room for what this demo wrote the last time; it owns its folders under demo/."""
    shutil.rmtree(folder, ignore_errors=True)
    return folder


def _training_title(steps: int, init: str) -> str:
    start = "from nothing" if init == NOTHING else f"from the weights of the shipped {init!r}"
    return f"3. Training on that folder, {steps:,} steps, {start}."


def _say(text: str) -> None:
    print(f"\n{text}", flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--count", type=int, default=3000, help="pictures to draw")
    parser.add_argument("--steps", type=int, default=300, help="training steps")
    parser.add_argument(
        "--init", default="flowers", help=f"model to start from, or {NOTHING!r}: from nothing"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
