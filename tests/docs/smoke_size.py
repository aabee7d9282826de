"""What makes the commands of the pages small enough for a test, and which of them are not run.

The words of a page are kept as they stand. What is given here is put behind them, as somebody in
a hurry would do at the prompt; the last value of an option counts.
"""

import shutil
import struct
from pathlib import Path

import torch
from snippets import ROOT
from tiny_clip import make_tiny_clip

from ddpm_clip.data.local.drawn_flowers import write_folder

SMALL_PICTURES = ("--set", "data.image_size=16")
SMALL_NETWORK = (
    *("--set", "model.down_chs=[16, 32]", "--set", "model.blocks=1", "--set", "model.attention=0"),
    *("--set", "model.norm_groups=null", "--set", "training.batch_size=8"),
    *("--set", "training.epochs=null", "--set", "training.dtype=float32"),
    *("--set", "generation.steps=2", "--set", "generation.grid_guidance=[2]"),
)
SMALL_CLIP = (
    *("--set", "embedder.width=8", "--set", "embedder.text_width=8", "--set", "embedder.dim=8"),
    *("--set", "embedder.measure=false", "--set", "embedder.clip_batch_size=16"),
)
OWN_CLIP = ("--set", "embedder.model=a-clip")
"""The folder of a CLIP, in the place of the one that would be downloaded."""

TRAIN = (*SMALL_PICTURES, *SMALL_NETWORK, "--steps", "2")
TRAIN_CLIP = (*SMALL_PICTURES, *SMALL_CLIP, "--set", "embedder.steps=2")
DISTIL = (
    *("--set", "distillation.walks=8", "--set", "distillation.walk_steps=6"),
    *("--set", "training.steps=2", "--set", "training.batch_size=4"),
)
PAINT = ("--steps", "2", "-n", "1")
FEW_DIGITS = ("--set", "data.heldout=4")

SMALLER: dict[str, tuple[str, ...]] = {
    "ddpm-clip scan": (),
    "ddpm-clip train": TRAIN,
    "ddpm-clip resume": ("--steps", "3"),
    "ddpm-clip train-clip": (*TRAIN_CLIP, "--steps", "2"),
    "ddpm-clip generate": PAINT,
    "ddpm-clip pack": (),
    "ddpm-clip distill": DISTIL,
    "python scripts/preprocess_clip.py": ("--embedder", "a-clip"),
    "python scripts/train.py": (*TRAIN, *OWN_CLIP),
    "python examples/train.py": (*TRAIN, *OWN_CLIP),
    "python scripts/clip_train.py": (*TRAIN_CLIP, *FEW_DIGITS),
    "python scripts/unclip_train.py": (*TRAIN, *FEW_DIGITS),
    "python scripts/generate_images.py": ("--steps", "2", "--num_samples", "1"),
}
"""Program and command -> what is put behind the words of the page."""

NOT_RUN: dict[tuple[str, str], str] = {
    ("README.md", "make demo"): "run by tests/stories/test_wheel.py, from an installed package",
    ("README.md", "make test"): "runs the suite, of which this is a part",
    ("tutorial.md", "make demo"): "run by tests/stories/test_wheel.py, from an installed package",
    (
        "tutorial.md",
        "make demo TORCH_INDEX=https://download.pytorch.org/whl/cpu",
    ): "needs a network; differs from `make demo` in where packages come from only",
    ("tutorial.md", "python3 -m venv .venv"): "needs a network: it is there for the next line",
    (
        "tutorial.md",
        ".venv/bin/pip install -c constraints.txt -e .",
    ): "needs a network; tests/stories/test_wheel.py installs the wheel",
    (
        "tutorial.md",
        'python scripts/generate.py --checkpoint model_checkpoint/9.pth --prompts "A fish" "A tree"'
        " --output images/generated.png",
    ): "the checkpoint is one that an earlier project wrote",
    ("tutorial.md", ". .venv/bin/activate"): "changes the shell that runs it, and nothing else",
}
"""(page, line) -> why the line is not run here."""


def folder_of(words: list[str]) -> Path | None:
    """What a command line says it writes; weights are folders, whatever their name ends in."""
    for option in ("--out", "--output", "--save_path"):
        if option in words:
            place = Path(words[words.index(option) + 1])
            return place.with_suffix("") if place.suffix == ".pth" else place
    return None


def smaller(words: list[str]) -> list[str]:
    """The words of a command line with what makes it small; those of the page come first."""
    added = SMALLER[" ".join(words[:2])]
    downloads = words[1] == "train" and not any("embedder" in word for word in words)
    return [*words, *added, *(OWN_CLIP if downloads else ())]


def furnish(folder: Path) -> None:
    """Put what the pages take for granted into a folder: pictures, a CLIP and the repository's
    scripts and configs."""
    for name, seed in (("cats", 1), ("dogs", 2)):
        write_folder(folder / "photos" / name, 12, size=16, seed=seed)
    shutil.copytree(folder / "photos", folder / "data" / "tiny-imagenet-200" / "train")
    make_tiny_clip(folder / "a-clip")
    write_digits(folder / "data" / "mnist", 40)
    for name in ("scripts", "examples", "config"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))


def write_digits(folder: Path, n: int) -> None:
    """The four files of MNIST, with noise for digits."""
    folder.mkdir(parents=True)
    generator = torch.Generator().manual_seed(0)
    for stem in ("train", "t10k"):
        pixels = torch.randint(0, 256, (n, 28, 28), generator=generator, dtype=torch.uint8)
        head = struct.pack(">BBBB3I", 0, 0, 8, 3, n, 28, 28)
        (folder / f"{stem}-images-idx3-ubyte").write_bytes(head + pixels.numpy().tobytes())
        labels = struct.pack(">BBBBI", 0, 0, 8, 1, n) + bytes(i % 10 for i in range(n))
        (folder / f"{stem}-labels-idx1-ubyte").write_bytes(labels)
