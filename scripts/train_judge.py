"""Train the judge of a shipped model: `python scripts/train_judge.py --preset digits --out FOLDER`.

The judges that ship lie in `src/ddpm_clip/weights/<preset>/judge`. The work is in
`ddpm_clip.evaluation.judge.job`.
"""

import argparse
import sys

from ddpm_clip.config.resolve import resolve
from ddpm_clip.evaluation.judge.job import train_judge_run
from ddpm_clip.evaluation.judge.training import JudgeStep
from ddpm_clip.types import Progress
from ddpm_clip.utils.generators import finish

STEPS = {"digits": 2500, "flowers": 2000}
CHANGES: dict[str, list[str]] = {"digits": [], "flowers": ["data.draw=20000", "data.draw_seed=777"]}
"""The flowers are drawn by another seed than those that the models learn from."""


def main() -> None:
    """Train, print a line now and then, and the figures at the end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", choices=STEPS, required=True)
    parser.add_argument("--out", required=True, help="folder of the judge")
    parser.add_argument("--steps", type=int, help="optimisation steps")
    parser.add_argument("--seed", type=int, default=2077, help="of weights and batches")
    parser.add_argument("--set", action="append", default=[], help="KEY=VALUE of the config")
    options = parser.parse_args()
    preset = options.preset
    config, _ = resolve(preset=preset, assignments=[*CHANGES[preset], *options.set])
    steps = options.steps or STEPS[preset]
    work = train_judge_run(options.out, config.data, steps=steps, seed=options.seed)
    figures = finish(work, _tell)
    print(f"{options.out}: read right of {figures.n} pictures never seen: {figures.accuracy}")
    print(f"rejected: {figures.rejected:.2%} of them, {figures.nonsense_rejected:.2%} of nonsense")


def _tell(at: Progress | JudgeStep) -> None:
    """A line on stderr now and then."""
    done, every = (at.done, 10_000) if isinstance(at, Progress) else (at.step, 100)
    if done % every == 0:
        print(at, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
