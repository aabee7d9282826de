"""Train a small CLIP on MNIST.

python scripts/clip_train.py --save_path mnist_clip.pth

Also takes the options of `ddpm-clip train-clip` (`--set`, `--overwrite`, …).
"""

import sys
from argparse import ArgumentParser

from legacy_flags import accept, remark_on_ignored, saved_to, settings

from ddpm_clip.cli.main import main

PICTURES = 60_000
"""Number of training pictures in MNIST."""


def train(words: list[str]) -> int:
    """Call `ddpm-clip train-clip`."""
    parser = ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--epochs", type=float, help="default: the steps of the preset")
    parser.add_argument("--batch_size", type=int)
    parser.add_argument("--lr", type=float)
    parser.add_argument("--clip_embedding_dim", type=int, help="default: 64; 2 can be plotted")
    parser.add_argument("--max_samples", type=int, help="use at most this many pictures")
    parser.add_argument("--save_path", default="mnist_clip.pth")
    accept(parser, ("num_workers",), "pictures are held in memory")
    accept(
        parser,
        ("cnn_output_dim", "lstm_embedding_dim", "lstm_output_dim"),
        "the networks are different",
    )
    accept(parser, ("encoder_target_length",), "texts of any length are read")
    given, rest = parser.parse_known_args(words)
    remark_on_ignored(given)
    keys = settings(
        embedder__clip_batch_size=given.batch_size,
        embedder__lr=given.lr,
        embedder__dim=given.clip_embedding_dim,
        data__max_samples=given.max_samples,
        embedder__steps=given.epochs and _steps(given.epochs, given.max_samples, given.batch_size),
    )
    out = ["--preset", "digits", "--out", saved_to(given.save_path)]
    return main(["train-clip", "mnist", *out, *keys, *rest])


def _steps(epochs: float, pictures: int | None, batch_size: int | None) -> int:
    return max(1, round(epochs * min(pictures or PICTURES, PICTURES) / (batch_size or 256)))


if __name__ == "__main__":
    sys.exit(train(sys.argv[1:]))
