"""Paint digits from one prompt, with your own model if there is one, otherwise the shipped one.

python scripts/generate_images.py --prompt six --num_samples 64 --output images/six.png

Also takes the options of `ddpm-clip generate` (`--guidance`, `--seed`, …).
"""

import sys
from argparse import ArgumentParser
from pathlib import Path

from legacy_flags import accept, folder_of, remark_on_ignored

from ddpm_clip.cli.main import main

SHIPPED = "digits"
SHAPES = (
    "clip_model_path",
    "encoder_target_length",
    "cnn_in_channels",
    "cnn_out_dims",
    "cnn_output_dim",
    "lstm_embedding_dim",
    "lstm_hidden_dim",
    "lstm_output_dim",
    "clip_embedding_dim",
    "time_embedding_dim",
    "ddpm_max_steps",
    "ddpm_min_beta",
    "ddpm_max_beta",
)


def generate(words: list[str]) -> int:
    """Call `ddpm-clip generate`."""
    parser = ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--prompt", default="six")
    parser.add_argument("--num_samples", default="64")
    parser.add_argument("--ddpm_model_path", help="default: mnist_ddpm.pth, if it exists")
    parser.add_argument("--output", "--save_path", default="images/generated.png")
    accept(parser, SHAPES, "read from the model's folder")
    given, rest = parser.parse_known_args(words)
    remark_on_ignored(given)
    options = ["--model", _model(given.ddpm_model_path), "--out", given.output]
    return main(["generate", *options, "-n", given.num_samples, *rest, "--", given.prompt])


def _model(path: str | None) -> str:
    """The given model, else the output of `unclip_train.py` if present, else the shipped model."""
    if path is not None:
        return folder_of(path)
    own = folder_of("mnist_ddpm.pth")
    if Path(own).is_dir():
        return own
    print(f"no {own} here: painting with the shipped model {SHIPPED!r}", file=sys.stderr)
    return SHIPPED


if __name__ == "__main__":
    sys.exit(generate(sys.argv[1:]))
