"""Train one of the three sizes; the run folder is named after the config file.

python examples/train.py --config config/model_small.yaml [--skip-clip-extraction] [--no-animation]

Called again, it goes on where it stopped. Every other option of `ddpm-clip train` goes here too.
"""

import sys
from argparse import ArgumentParser
from pathlib import Path

from ddpm_clip.cli.main import main


def train(words: list[str]) -> int:
    """Hand over to `ddpm-clip train`."""
    parser = ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--config", default="config/model_default.yaml")
    parser.add_argument("--out", help="run folder; by default runs/ and the config's name")
    given, rest = parser.parse_known_args(words)
    out = given.out or str(Path("runs") / Path(given.config).stem)
    return main(["train", "--config", given.config, "--out", out, *rest])


if __name__ == "__main__":
    sys.exit(train(sys.argv[1:]))
