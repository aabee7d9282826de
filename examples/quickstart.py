"""The library in a dozen lines: pictures from words, and the walk that makes them.

    python examples/quickstart.py

Writes two pictures into outputs/. Knows nothing of training; see `examples/demo.py` for that.
"""

from pathlib import Path

from ddpm_clip import TextToImage
from ddpm_clip.utils.visualization import grid, tensor_grid

OUT = Path("outputs")
PROMPTS = ["a red rose", "an orange sunflower", "a purple tulip"]


def main() -> None:
    """Paint three prompts, and show one of them as it emerges from noise."""
    painter = TextToImage.from_pretrained("flowers")

    pictures = painter(PROMPTS, n=4, seed=0)  # PIL pictures, prompt by prompt
    rows = [pictures[i : i + 4] for i in range(0, len(pictures), 4)]
    OUT.mkdir(exist_ok=True)
    grid(rows, row_names=PROMPTS).save(OUT / "quickstart.png")

    for step in painter.walk("a red rose", n=1, seed=0, steps=10):
        x_0 = step.pred.x_0  # (1, 3, 32, 32) in [-1, 1]: what the network takes the picture to be
        print(f"step {step.i}: row {step.t:5.1f}, {x_0.std():.2f} of contrast")
    tensor_grid(step.x_prev, 1).save(OUT / "quickstart-walk.png")


if __name__ == "__main__":
    main()
