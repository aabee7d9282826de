"""Train from a config file; also takes every option of `ddpm-clip train`.

python scripts/train.py --config config/default.yaml
python scripts/generate.py --checkpoint model_checkpoint/9.pth --prompts "a fish"

Without --out, the run is the folder `model_checkpoint`, where the earlier project kept its files.
"""

import sys

from legacy_flags import CHECKPOINTS

from ddpm_clip.cli.main import main


def train(words: list[str]) -> int:
    """Call `ddpm-clip train`."""
    named = any(word == "--out" or word.startswith("--out=") for word in words)
    return main(["train", *words, *([] if named else ["--out", CHECKPOINTS])])


if __name__ == "__main__":
    sys.exit(train(sys.argv[1:]))
