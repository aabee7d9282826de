"""Embed a folder of pictures into a CSV with rows `path,number,…`; resumes after an interruption.

python scripts/preprocess_clip.py --data_dir data/tiny-imagenet-200/train --output clip.csv
"""

import sys
from argparse import ArgumentParser

from ddpm_clip.cli.main import main


def preprocess(words: list[str]) -> int:
    """Call `ddpm-clip embed`."""
    parser = ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--data_dir", required=True)
    parser.add_argument("--output", default="clip.csv")
    given, rest = parser.parse_known_args(words)
    return main(["embed", given.data_dir, "--out", given.output, *rest])


if __name__ == "__main__":
    sys.exit(preprocess(sys.argv[1:]))
