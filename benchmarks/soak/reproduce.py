"""Claim: a picture can be painted again from its own parameters, and no changed pixel is missed.

A hundred pictures by the shipped `digits`: painted and edited, with random prompts, seeds,
samplers, steps, scales, bridges, batches and threads, and taken from anywhere in their batch.
`ddpm-clip reproduce` loads the model afresh and must exit with 0. For a copy in which one value of
one pixel is one level off, it must exit with 1 and report exactly that difference. With another
seed recorded it must exit with 1; otherwise it would only compare the file with itself.

    python benchmarks/soak/reproduce.py            five to ten minutes
    python benchmarks/soak/reproduce.py --smoke    only five pictures
"""

import argparse
import contextlib
import io
import json
import random
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo
from trials import RESULTS, Trials, claim, parsed, print_claims, write_results

from ddpm_clip import TextToImage
from ddpm_clip.cli.main import main as command_line
from ddpm_clip.data.pictures.png_texts import KEY, read_parameters
from ddpm_clip.diffusion.samplers import OF_DISTILLED, SAMPLERS
from ddpm_clip.editing import blend, img2img, inpaint, interpolate, open_mask, open_picture, vary
from ddpm_clip.generation.files import paint_files, save_painted
from ddpm_clip.utils.cpu_threads import threads
from ddpm_clip.utils.generators import finish

PICTURES = 100
MODEL = "digits"
PROMPTS = (
    "zero",
    "a one",
    "the digit two",
    "a photo of the number three",
    "4",
    "five",
    "a six",
    "Seven!",
    "a handwritten eight",
    "a thick slanted nine",
    "a rose",
    "数字の二",
)
MODES = ("generate",) * 11 + (
    "guided",
    "unconditional",
    "vary",
    "interpolate",
    "blend",
    "img2img",
    "inpaint",
)


@cache
def opened(count: int = 1) -> TextToImage:
    """The model, loaded with as many threads as it paints with.

    The command under test loads its own.
    """
    with threads(count):
        return TextToImage.from_pretrained(MODEL, "cpu")


def overrides(rng: random.Random, mode: str) -> dict[str, Any]:
    """Random settings for the pictures of a trial."""
    guided = mode == "guided"
    found: dict[str, Any] = {
        "n": rng.choice((1, 2, 3, 5)),
        "seed": rng.randrange(2**32),
        "steps": rng.randint(2, 8),
        "sampler": rng.choice(sorted(set(SAMPLERS) - OF_DISTILLED)),
        "guidance": tuple(rng.sample((0.0, 1.0, 1.5, 2.0, 4.0, 7.5), rng.choice((1, 1, 2)))),
        "bridge": rng.choice(opened().model.conditioner.bridges),
        "clamp": rng.choice(("static", "dynamic")),
        "rescale": rng.choice((0.0, 0.0, 0.7)),
        "interval": rng.choice(((0.15, 3.0), (0.0, 1e9))),
        "batch": rng.choice((1, 2, 3, 7, 64)),
        "unconditional": mode == "unconditional" or (guided and rng.random() < 0.5),
    }
    if not found["unconditional"] and rng.random() < 0.3:
        found["negative"] = rng.choice(PROMPTS)
    if guided:
        found |= {
            "clip_guidance": rng.choice((0.5, 1.0)),
            "clip_views": rng.choice((2, 4)),
            "clip_travel": rng.choice((0, 1)),
            "steps": rng.randint(2, 4),
        }
    return found


def painted(rng: random.Random, mode: str, home: Path) -> list[Path]:
    """Paint the pictures of a trial; returns their files."""
    count = rng.choice((1, 1, 2))
    tti = opened(count)
    settings = tti.settings(**overrides(rng, mode))
    words = rng.sample(PROMPTS, rng.choice((1, 2, 3)))
    with threads(count):
        if mode in ("generate", "guided", "unconditional"):
            asked = [] if settings.wordless else words
            work = paint_files(tti, asked, settings, home / "out")
            return [one.file for one in finish(work)]
        edited = finish(EDITS[mode](rng, tti, words, settings, home))
        files = save_painted(edited, tti.model, settings, home / "out", sheet=edited[0].image)
    return [one.file for one in files]


def source(rng: random.Random, tti: TextToImage, home: Path) -> Path:
    """Save a picture to be edited."""
    path = home / "source.png"
    tti(rng.choice(PROMPTS), seed=rng.randrange(1000), steps=4)[0].save(path)
    return path


def mask(rng: random.Random, home: Path) -> Path:
    """Save a mask: a white rectangle on black."""
    path, image = home / "mask.png", Image.new("L", (28, 28), 0)
    left, top = rng.randrange(14), rng.randrange(14)
    image.paste(255, (left, top, left + rng.randint(4, 14), top + rng.randint(4, 14)))
    image.save(path)
    return path


def _vary(rng: random.Random, tti: TextToImage, words: Any, settings: Any, home: Path) -> Any:
    given = open_picture(source(rng, tti, home), tti.model)
    return vary(tti, given, settings, strength=rng.choice((0.0, 0.5, 1.0)))


def _way(rng: random.Random, tti: TextToImage, words: Any, settings: Any, home: Path) -> Any:
    ends = [words[0], open_picture(source(rng, tti, home), tti.model)]
    return interpolate(tti, *rng.sample(ends, 2), settings, frames=rng.choice((2, 3)))


def _blend(rng: random.Random, tti: TextToImage, words: Any, settings: Any, home: Path) -> Any:
    ideas = [*words, open_picture(source(rng, tti, home), tti.model)]
    return blend(tti, [(idea, rng.uniform(0.2, 1)) for idea in ideas], settings)


def _over(rng: random.Random, tti: TextToImage, words: Any, settings: Any, home: Path) -> Any:
    given = open_picture(source(rng, tti, home), tti.model)
    return img2img(tti, given, words[0], settings, strength=rng.choice((0.3, 0.6, 1.0)))


def _into(rng: random.Random, tti: TextToImage, words: Any, settings: Any, home: Path) -> Any:
    given = open_picture(source(rng, tti, home), tti.model)
    paint = open_mask(mask(rng, home), given, tti.model)
    return inpaint(tti, given, paint, words[0], settings, rounds=rng.choice((1, 2)))


EDITS: dict[str, Callable[..., Any]] = {
    "vary": _vary,
    "interpolate": _way,
    "blend": _blend,
    "img2img": _over,
    "inpaint": _into,
}


def rewritten(file: Path, out: Path, rng: random.Random | None = None, **facts: Any) -> Path:
    """Save a copy with changed parameters; with `rng`, one pixel is one level off."""
    with Image.open(file) as image:
        pixels, info = image.copy(), PngInfo()
    info.add_itxt(KEY, json.dumps(read_parameters(file) | facts))
    if rng is not None:
        at = (rng.randrange(pixels.width), rng.randrange(pixels.height))
        pixels.putpixel(at, pixels.getpixel(at) ^ 1)
    pixels.save(out, pnginfo=info)
    return out


def reproduced(file: Path, home: Path) -> tuple[int, dict[str, Any]]:
    """Run the command; returns its exit code and its output."""
    words = ["-q", "reproduce", str(file), "--json"]
    words += ["--source", str(home / "source.png")] if (home / "source.png").exists() else []
    words += ["--mask", str(home / "mask.png")] if (home / "mask.png").exists() else []
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = command_line(words)
    try:
        return code, json.loads(said.getvalue().splitlines()[-1])
    except (ValueError, IndexError):
        return code, {"said": said.getvalue()[:500]}


def trial(rng: random.Random, mode: str) -> dict[str, Any]:
    """Reproduce one random picture and its two changed copies."""
    began = time.process_time()
    with tempfile.TemporaryDirectory() as place:
        home = Path(place)
        file = rng.choice(painted(rng, mode, home))
        facts = read_parameters(file)
        code, same = reproduced(file, home)
        one_off = rewritten(file, home / "pixel.png", rng)
        code_off, off = reproduced(one_off, home)
        seed = (facts["seed"] + 1) % 2**32
        code_seed, other = reproduced(rewritten(file, home / "seed.png", seed=seed), home)
    return {
        "mode": mode,
        "pictures_in_batch": facts["batch_pictures"],
        "threads": facts["threads"],
        "sampler": facts["sampler"],
        "steps": facts["steps"],
        "equal": code == 0 and same.get("equal") is True,
        "one_pixel_told": code_off == 1 and (off.get("different"), off.get("largest")) == (1, 1),
        "other_seed_told": code_seed == 1 and other.get("different", 0) > 0,
        "said": same if code else None,
        "seconds": round(time.process_time() - began, 2),
    }


def report(rows: list[dict[str, Any]], out: Path) -> None:
    """Write the claims and the counts behind them."""
    shares = {
        name: sum(row[name] for row in rows) / len(rows)
        for name in ("equal", "one_pixel_told", "other_seed_told")
    }
    n = len(rows)
    claims = [
        claim(f"pictures reproduced with every pixel equal, of {n}", shares["equal"], 1.0),
        claim(
            f"copies with one value one level off, found to differ in exactly that value, of {n}",
            shares["one_pixel_told"],
            1.0,
        ),
        claim(
            f"control: pictures with another seed recorded, found to differ, of {n}",
            shares["other_seed_told"],
            1.0,
        ),
    ]
    print_claims(claims)
    counts = {
        name: dict(Counter(str(row[name]) for row in rows))
        for name in ("mode", "sampler", "threads", "pictures_in_batch")
    }
    write_results(
        out,
        {
            "claims": claims,
            "n": n,
            **counts,
            "bad": [row for row in rows if not row["equal"]],
            "cpu_minutes": round(sum(row["seconds"] for row in rows) / 60, 1),
        },
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=PICTURES)
    parser.add_argument("--smoke", action="store_true", help="only five pictures")
    parser.add_argument("--again", action="store_true", help="discard finished trials")
    parser.add_argument("--out", type=Path, default=RESULTS / "reproduce.json")
    options = parsed(parser)
    warnings.simplefilter("ignore", UserWarning)  # about prompts that are no digit
    trials = Trials("reproduce", options.again or options.smoke)

    def one(rng: random.Random) -> dict[str, Any]:
        return trial(rng, rng.choice(MODES))

    rows = list(trials.run("pictures", 5 if options.smoke else options.pictures, one))
    report(rows, options.out)
    trials.finished()


if __name__ == "__main__":
    main()
