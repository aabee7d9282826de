"""Paint the digits that the course trains on: `python scripts/paint_course_digits.py`.

The course must run without a network and without MNIST. So the shipped model `digits` paints 150
pictures of each digit, and the pack of them ships with the package. It is shipped and not painted
by each student, because pixels differ a little between processors. Takes a minute.

The pack holds `images` (1500, 28, 28) uint8 and `labels` (1500,) uint8, with digit i % 10 at row
i, so that the first n pictures are balanced. A label is what was asked for; what the judge reads is
printed, and one picture in some hundred disagrees. `licence.json` beside the pack says whose work
it comes from.
"""

import argparse
from pathlib import Path

import numpy as np
import torch

from ddpm_clip import TextToImage
from ddpm_clip.data.sources import DIGITS
from ddpm_clip.evaluation.judge.network import JudgeNet, shipped_judge_folder
from ddpm_clip.utils.tensors import stack_pictures

PACK = Path(__file__).resolve().parents[1] / "src/ddpm_clip/course/data/painted_digits.npz"
EACH, FIRST_SEED, STEPS, SCALE, BATCH = 150, 50_000, 6, 1.5, 10


def painted(each: int) -> np.ndarray:
    """Return pictures (10 * each, 28, 28) uint8; row i shows digit i % 10."""
    tti = TextToImage.from_pretrained("digits", device="cpu")
    rows = []
    for first in range(0, each, BATCH):
        n = min(BATCH, each - first)
        options = {"seed": FIRST_SEED + first, "steps": STEPS, "guidance": SCALE}
        pictures = [np.asarray(one) for one in tti(list(DIGITS), n=n, **options)]
        rows.append(np.stack(pictures).reshape(10, n, 28, 28).swapaxes(0, 1))
    return np.concatenate(rows).reshape(-1, 28, 28)


def read_right(images: np.ndarray, labels: np.ndarray) -> int:
    """Return how many pictures the judge of real MNIST reads as what was asked."""
    from PIL import Image

    judge = JudgeNet.load(shipped_judge_folder("digits"))
    x = stack_pictures([Image.fromarray(one) for one in images], 28, 1)
    read = judge.read(x)["digit"].labels
    return sum(DIGITS[label] == word for label, word in zip(labels, read, strict=True))


def main() -> None:
    """Paint the pack and write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--each", type=int, default=EACH, help="pictures of each digit")
    parser.add_argument("--out", type=Path, default=PACK)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    images = painted(arguments.each)
    labels = (np.arange(len(images)) % 10).astype(np.uint8)
    np.savez_compressed(arguments.out, images=images, labels=labels)
    size = arguments.out.stat().st_size / 1000
    print(f"{arguments.out}: {len(images)} pictures, {size:.0f} kB")
    print(f"read as asked by the judge: {read_right(images, labels)} of {len(images)}")


if __name__ == "__main__":
    main()
