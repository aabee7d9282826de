"""Embed a folder of pictures into a CSV with rows `path,number,…`; resumes after an interruption.

python scripts/preprocess_clip.py --data_dir data/tiny-imagenet-200/train --output clip.csv

Embeds with the CLIP that the earlier project named, or with the one that --clip_model names; where
it is not available, nothing is embedded.
"""

import sys
from argparse import ArgumentParser

from ddpm_clip.cli.main import main
from ddpm_clip.config.legacy_keys import OPENAI_NAMES


def preprocess(words: list[str]) -> int:
    """Call `ddpm-clip embed`."""
    parser = ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--data_dir", required=True)
    parser.add_argument("--output", default="clip.csv")
    parser.add_argument(
        "--clip_model", "--model_name", "--embedder", default="ViT-B/32", help="the CLIP"
    )
    given, rest = parser.parse_known_args(words)
    named = OPENAI_NAMES.get(given.clip_model, given.clip_model)
    return main(["embed", given.data_dir, "--out", given.output, "--embedder", named, *rest])


if __name__ == "__main__":
    sys.exit(preprocess(sys.argv[1:]))
