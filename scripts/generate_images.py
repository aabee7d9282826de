"""Paint digits from one prompt, with a model of one's own if there is one, else the shipped one.

python scripts/generate_images.py --prompt six --num_samples 64 --output images/six.png

Options of `ddpm-clip generate` (`--guidance`, `--seed`, …) go here too.
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
    """Hand over to `ddpm-clip generate`."""
    parser = ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--prompt", default="six")
    parser.add_argument("--num_samples", default="64")
    parser.add_argument("--ddpm_model_path", help="by default mnist_ddpm.pth where it is")
    parser.add_argument("--output", "--save_path", default="images/generated.png")
    accept(parser, SHAPES, "the model's folder says it")
    given, rest = parser.parse_known_args(words)
    remark_on_ignored(given)
    options = ["--model", _model(given.ddpm_model_path), "--out", given.output]
    return main(["generate", *options, "-n", given.num_samples, *rest, "--", given.prompt])


def _model(path: str | None) -> str:
    """The model that was named, else what `unclip_train.py` left here, else the shipped one."""
    if path is not None:
        return folder_of(path)
    own = folder_of("mnist_ddpm.pth")
    if Path(own).is_dir():
        return own
    print(f"no {own} here: painting with the shipped model {SHIPPED!r}", file=sys.stderr)
    return SHIPPED


if __name__ == "__main__":
    sys.exit(generate(sys.argv[1:]))
