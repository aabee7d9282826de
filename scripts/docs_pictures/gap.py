"""The modality gap of the shipped digits: pictures and texts before and after a bridge.

Everything needed is in the package: the pictures are the embeddings of training pictures that the
model keeps. Which digit each shows is read from the embedding itself, as the nearest class name
(right for 99.6 % of them by the labels of MNIST).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from torch import Tensor
from torch.nn import functional as F

from ddpm_clip.conditioning.conditioner import Conditioner
from ddpm_clip.runs.pretrained import load
from docs_pictures.paper import DPI, INK, SOFT, WIDTH, as_picture, card, save

NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
COLOURS = {"one": "#009E73", "three": "#E69F00", "four": "#0072B2", "six": "#CC4C8F"}
"""The digits that are shown, since they lie well apart, in colours that most eyes distinguish."""

GAP_AT = 0.29
"""Height of the arrow, where no digit is."""

PICTURES, SEEDS = 200, 8
"""Points a digit at most; draws of the prior a text."""

BRIDGES = {
    "identity": "no bridge",
    "shift": "after “shift”",
    "prior": "after “prior” (its default)",
}
TITLE = "The modality gap, and what a bridge does about it"
SUBTITLE = (
    "Embeddings of training pictures and of four texts, by the CLIP of the model “digits”. All "
    "panels show the same plane; only the texts move. “prior” draws another place for each seed."
)


@dataclass(frozen=True, slots=True)
class Clouds:
    """Points in the plane of the drawing.

    Attributes:
        pictures: (n, 2) of each digit.
        texts: by bridge, (`SEEDS`, 2) of each digit.
    """

    pictures: Mapping[str, Tensor]
    texts: Mapping[str, Mapping[str, Tensor]]


def gap_before_after(path: Path, pictures: int = PICTURES) -> Path:
    """One plane, the texts with no bridge and after two of them."""
    seen, figure = clouds(pictures), Figure(figsize=(WIDTH / DPI, 3.1), dpi=DPI)
    figure.set_layout_engine("constrained")
    panels = figure.subplots(1, len(BRIDGES), sharex=True, sharey=True)
    for axes, (bridge, name) in zip(panels, BRIDGES.items(), strict=True):
        _panel(axes, seen, bridge, named=axes is panels[0])
        axes.set_title(name, fontsize=9.5, color=INK)
    _measure(panels[0], seen)
    panels[-1].legend(handles=_markers(), loc="upper right", fontsize=8.5, frameon=False)
    panels[0].set_ylabel("where these digits differ most", fontsize=8.5)
    panels[1].set_xlabel("along the gap: from the mean picture to the mean text", fontsize=8.5)
    return save(card(TITLE, SUBTITLE, as_picture(figure)), path)


def clouds(most: int) -> Clouds:
    """Pictures and texts along the gap and across it.

    Args:
        most: pictures a digit.
    """
    model = load("digits")
    conditioner = model.conditioner
    with torch.no_grad():
        texts = F.normalize(model.embedder.embed_texts([f"a {name}" for name in NAMES]).float())
    bank = F.normalize(conditioner.bank.float(), dim=1)
    rows = {
        name: bank[_class_of(conditioner, bank, texts) == NAMES.index(name)] for name in COLOURS
    }
    plane = _plane(bank.mean(0), texts.mean(0), [rows[name].mean(0) for name in COLOURS])
    carried = {
        bridge: {
            name: _carried(conditioner, texts[NAMES.index(name)], bridge) @ plane
            for name in COLOURS
        }
        for bridge in BRIDGES
    }
    return Clouds({name: some[:most] @ plane for name, some in rows.items()}, carried)


def _class_of(conditioner: Conditioner, bank: Tensor, texts: Tensor) -> Tensor:
    """(n,) the class name that each picture is nearest to, both clouds seen from their means."""
    names = F.normalize(texts - conditioner.mean_text, dim=1)
    return ((bank - conditioner.mean_image) @ names.T).argmax(1)


def _plane(picture: Tensor, text: Tensor, classes: Sequence[Tensor]) -> Tensor:
    """(e, 2): the gap's direction, and the one across it in which the classes differ most."""
    along = F.normalize(text - picture, dim=0)
    apart = torch.stack(list(classes)) - torch.stack(list(classes)).mean(0)
    across = torch.linalg.svd(apart - (apart @ along)[:, None] * along)[2][0]
    return torch.stack([along, across], 1)


def _carried(conditioner: Conditioner, text: Tensor, bridge: str) -> Tensor:
    """(`SEEDS`, e) where a bridge sets a text down among the pictures, a draw a seed."""
    generators = [torch.Generator().manual_seed(seed) for seed in range(SEEDS)]
    c = conditioner.texts(text.expand(SEEDS, -1), bridge, generators=generators, bounded=False)
    return conditioner.embeddings(c)


def _panel(axes: Axes, seen: Clouds, bridge: str, *, named: bool) -> None:
    for name, colour in COLOURS.items():
        axes.scatter(*seen.pictures[name].T, s=5, color=colour, alpha=0.3, linewidths=0)
    for name, colour in COLOURS.items():
        x, y = seen.texts[bridge][name].T
        axes.scatter(x, y, s=34, color=colour, marker="^", edgecolors="white", linewidths=0.6)
        if named:
            axes.annotate(
                f"“a {name}”",
                (x[0], y[0]),
                (-6, 0),
                textcoords="offset points",
                fontsize=8.5,
                color=colour,
                ha="right",
                va="center",
            )
    axes.tick_params(labelsize=7.5, colors=SOFT)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(True, color="0.94")
    axes.set_axisbelow(True)


def _measure(axes: Axes, seen: Clouds) -> None:
    """An arrow as wide as the gap between the digits that are shown."""
    here = torch.cat(list(seen.pictures.values()))[:, 0].mean().item()
    there = torch.cat(list(seen.texts["identity"].values()))[:, 0].mean().item()
    style = {"arrowstyle": "<->", "color": SOFT, "linewidth": 1.1, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", (here, GAP_AT), (there, GAP_AT), arrowprops=style)
    middle = (here + there) / 2
    axes.text(middle, GAP_AT + 0.03, "the gap", fontsize=8.5, color=SOFT, ha="center")


def _markers() -> list[Line2D]:
    style = {"linestyle": "none", "color": SOFT}
    return [
        Line2D([], [], marker="o", markersize=4, label="a picture", **style),
        Line2D([], [], marker="^", markersize=6, label="a text", **style),
    ]
