"""Train a model on MNIST, conditioned on the embeddings of your own CLIP.

python scripts/unclip_train.py --clip_model_path mnist_clip.pth --save_path mnist_ddpm.pth

Also takes the options of `ddpm-clip train` (`--set`, `--steps`, …).
"""

import sys
from argparse import ArgumentParser

from legacy_flags import accept, folder_of, remark_on_ignored, saved_to, settings

from ddpm_clip.cli.main import main

CLIP_SHAPE = (
    "cnn_output_dim",
    "lstm_embedding_dim",
    "lstm_output_dim",
    "clip_embedding_dim",
    "encoder_target_length",
)


def train(words: list[str]) -> int:
    """Call `ddpm-clip train`."""
    parser = ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--clip_model_path", default="mnist_clip.pth")
    parser.add_argument("--save_path", default="mnist_ddpm.pth")
    parser.add_argument("--epochs", type=float, help="default: the steps of the preset")
    parser.add_argument("--batch_size", type=int)
    parser.add_argument("--lr", type=float)
    parser.add_argument("--time_embedding_dim", type=int)
    parser.add_argument("--ddpm_max_steps", type=int, help="timesteps of the schedule, T")
    parser.add_argument("--ddpm_min_beta", type=float, help="selects the linear schedule")
    parser.add_argument("--ddpm_max_beta", type=float, help="selects the linear schedule")
    parser.add_argument("--max_samples", type=int, help="use at most this many pictures")
    accept(parser, ("num_workers",), "pictures are held in memory")
    accept(parser, CLIP_SHAPE, "read from the CLIP's folder")
    given, rest = parser.parse_known_args(words)
    remark_on_ignored(given)
    betas = (given.ddpm_min_beta, given.ddpm_max_beta)
    keys = settings(
        embedder__name="mini_clip",
        embedder__model=folder_of(given.clip_model_path),
        training__epochs=given.epochs,
        training__batch_size=given.batch_size,
        training__lr=given.lr,
        model__t_embed_dim=given.time_embedding_dim,
        diffusion__timesteps=given.ddpm_max_steps,
        diffusion__beta_start=betas[0],
        diffusion__beta_end=betas[1],
        data__max_samples=given.max_samples,
        diffusion__schedule=None if betas == (None, None) else "linear",
    )
    out = ["--preset", "digits", "--out", saved_to(given.save_path)]
    return main(["train", "mnist", *out, *keys, *rest])


if __name__ == "__main__":
    sys.exit(train(sys.argv[1:]))
