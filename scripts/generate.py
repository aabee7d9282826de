"""Paint from words with a run, a packed model or a shipped model.

python scripts/generate.py --checkpoint runs/digits --prompts "a six" --output images/six.png
"""

import sys
from argparse import ArgumentParser

from legacy_flags import folder_of

from ddpm_clip.cli.main import main


def generate(words: list[str]) -> int:
    """Call `ddpm-clip generate`."""
    parser = ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument(
        "--checkpoint", required=True, help="a run, a model folder or a shipped model"
    )
    parser.add_argument("--prompts", nargs="+", required=True)
    parser.add_argument("--output", default="images/generated.png")
    parser.add_argument("--w", nargs="+", help="guidance weights; the scale is 1 + w")
    parser.add_argument("--num_samples", default="1", help="pictures per prompt")
    given, rest = parser.parse_known_args(words)
    options = [
        "--model",
        folder_of(given.checkpoint),
        "--out",
        given.output,
        "-n",
        given.num_samples,
    ]
    weights = ["--w", ",".join(given.w)] if given.w else []
    return main(["generate", *options, *weights, *rest, "--", *given.prompts])


if __name__ == "__main__":
    sys.exit(generate(sys.argv[1:]))
