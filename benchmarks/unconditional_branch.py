"""Claim: trained together with the conditional branch, the unconditional one is as good as alone.

The held-out loss without a condition is higher than with it, however well a network is trained: the
condition tells what is in the picture, and a perfect network makes use of that. So the two are not
compared with each other. Instead, the network that is trained with conditions and drops a share of
them is measured without any, beside a network that is trained without conditions on the same
pictures, steps and seeds. Guidance extrapolates from that branch; if dropping were broken, it would
be many times worse.

    python benchmarks/unconditional_branch.py       ten minutes on two cores (MNIST is needed)

Small networks and short runs, three seeds; the losses are those of the averaged weights on the same
held-out pictures, timesteps and noise.
"""

import argparse
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reporting import RESULTS, claim, finished, parsed, print_claims, write_results

from ddpm_clip.config.resolve import resolve
from ddpm_clip.config.schema import Config
from ddpm_clip.runs.pretrained import load
from ddpm_clip.training.loop import train
from ddpm_clip.training.prepare.preparation import prepare
from ddpm_clip.training.prepare.start import start_run
from ddpm_clip.training.steps.validation import errors

ARMS = {"together": [], "alone": ["conditioning.c_drop_prob=1", "generation.unconditional=true"]}
MOST = 1.15
"""Largest ratio of the two losses without a condition."""


def settings(arm: str, seed: int, steps: int) -> Config:
    """The recipe of `digits`, smaller and shorter."""
    small = [
        "model.down_chs=[32, 64, 96]",
        "data.max_samples=12000",
        "data.heldout=1000",
        f"training.steps={steps}",
        f"training.checkpoint_every={steps}",
        f"training.heldout_every={steps}",
        "training.batch_size=64",
        "training.sample_every=0",
        f"training.seed={seed}",
    ]
    return resolve(preset="digits", assignments=[*small, *ARMS[arm]], environ={})[0]


def trained(folder: Path, config: Config, embedded: Path) -> dict[str, float]:
    """Train one network; return its held-out losses with the condition and without it.

    Embeddings are computed by the first network and copied by the others.
    """
    run = start_run(folder, config)
    if embedded.is_dir():
        shutil.copytree(embedded, run.folder / "embeddings")
    with run.writing():
        data = finished(prepare(run), "prepare")
        if not embedded.is_dir():
            shutil.copytree(run.folder / "embeddings", embedded)
        for step in train(run, data):
            if step.step % 100 == 0:
                print(f"{folder.name}: step {step.step}, loss {step.loss:.4f}", flush=True)
    model = load(run.folder, "cpu")
    return {
        name: errors(model.network, model.ddpm, data.heldout_set(), shown=shown)[0].mean().item()
        for name, shown in (("with_condition", True), ("without_condition", False))
    }


def claims(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The target: without a condition, trained together is at most 15 % worse than alone."""
    found = ratios(rows)
    low, high = min(found), max(found)
    text = "held-out loss without a condition: network trained with conditions over one trained "
    text += f"without any, mean of {len(found)} seeds ({low:.3f} to {high:.3f})"
    return [claim(text, sum(found) / len(found), MOST, at_most=True, unit="x")]


def ratios(rows: Sequence[dict[str, Any]]) -> list[float]:
    """The loss without a condition, together over alone, of every seed."""
    return [
        row["together"]["without_condition"] / row["alone"]["without_condition"] for row in rows
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--out", type=Path, default=RESULTS / "unconditional_branch.json")
    options = parsed(parser)
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as place:
        for seed in range(options.seeds):
            row: dict[str, Any] = {"seed": seed}
            for arm in ARMS:
                config = settings(arm, seed, options.steps)
                row[arm] = trained(Path(place) / f"{arm}-{seed}", config, Path(place) / "embedded")
            rows.append(row)
            print(row, flush=True)
    kept = claims(rows)
    print_claims(kept)
    told = [row["together"] for row in rows]
    more = [one["without_condition"] / one["with_condition"] for one in told]
    write_results(
        options.out,
        {
            "claims": kept,
            "steps": options.steps,
            "without_over_with_condition": {"mean": sum(more) / len(more), "all": more},
            "seeds": rows,
        },
    )


if __name__ == "__main__":
    main()
