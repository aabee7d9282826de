"""The shipped mini-CLIPs on pictures they were not trained on.

`python benchmarks/clips.py` (MNIST is located like the source `mnist`; flowers are drawn). On real
test pictures: whether the most similar of a hundred captions is true, whether the most similar
class name is correct, how far apart pictures and texts are, and how many effective dimensions they
have. The first CLIP of a model conditions it; the scorer only scores.
"""

import argparse
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from labelled import Pictures, real_pictures
from reporting import RESULTS, claim, parsed, print_claims, write_results

from ddpm_clip.config.schema import Config
from ddpm_clip.data.captions.grammars import measured_facts
from ddpm_clip.embedders.mini_clip import CARD, MiniClip
from ddpm_clip.evaluation.clip.figures import measure_clip
from ddpm_clip.runs.pretrained import load
from ddpm_clip.statistics.intervals import wilson
from ddpm_clip.weights import shipped_folder, shipped_names

HOMES = {"embedder": "conditions", "scorer": "only scores"}
"""Folder in a packed model -> role of the CLIP in it."""

NEEDED = 0.985
"""Required zero-shot accuracy of the CLIP that conditions `digits`, with 64 dimensions."""


def main() -> None:
    options = _options()
    found: dict[str, Any] = {}
    for name in shipped_names():
        config = load(name, "cpu").config
        pixels, facts = some_real(config, options.n)
        for home, task in clips_of(name):
            clip = MiniClip.load(home)
            figures = asdict(measure_clip(clip, pixels, facts))
            found[f"{name}, {task}"] = {
                key: round(one, 4) if isinstance(one, float) else one
                for key, one in figures.items()
                if key != "seconds"
            } | {
                "dim": clip.dim,
                "fingerprint": clip.fingerprint,
                "interval_95": _interval(figures),
            }
            print(f"{name}, {task}: {found[f'{name}, {task}']}")
    kept = claims(found)
    print_claims(kept)
    write_results(options.out, {"claims": kept, "clips": found})


def some_real(config: Config, n: int) -> Pictures:
    """Test pictures from a model's own source, with the facts measured in them."""
    pixels, facts = real_pictures(config.data)
    known = measured_facts(pixels.numpy(), facts) if config.embedder.measure else facts
    rows = torch.randperm(len(known), generator=torch.Generator().manual_seed(0))[:n].tolist()
    return pixels[rows], [known[i] for i in rows]


def clips_of(name: str) -> Iterator[tuple[Path, str]]:
    """The mini-CLIPs of a shipped model, with the role of each."""
    folder = shipped_folder(name)
    for home, task in HOMES.items():
        if folder and (folder / home / CARD).is_file():
            yield folder / home, task


def claims(found: dict[str, Any]) -> list[dict[str, Any]]:
    """The targets that a release must meet."""
    digits = found.get("digits, conditions", {}).get("zero_shot")
    return [claim("zero-shot accuracy of the CLIP of `digits` on real test digits", digits, NEEDED)]


def _interval(figures: dict[str, Any]) -> list[float] | None:
    """Wilson interval of the zero-shot accuracy."""
    if figures["zero_shot"] is None:
        return None
    n = figures["n"]
    return [round(end, 4) for end in wilson(round(figures["zero_shot"] * n), n)]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=10_000, help="largest number of test pictures")
    parser.add_argument("--out", type=Path, default=RESULTS / "clips.json")
    return parsed(parser)


if __name__ == "__main__":
    main()
