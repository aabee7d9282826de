"""One card an analysis of `ddpm-clip explain`: real panels, with titles for whoever sees one first.

The pictures, curves and numbers are those that the analysis hands back; only titles and names of
rows, columns and axes are worded anew. Sizes are those of the examples in docs/explanations.md.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from PIL import Image

from ddpm_clip import TextToImage, explain
from ddpm_clip.explain import Explanation
from ddpm_clip.explain.panels.drawing import draw
from ddpm_clip.explain.panels.kinds import Bars, Curve, Heatmap, Panel, Strip
from ddpm_clip.utils.tensors import to_picture
from docs_pictures.paper import SOFT, TEXT, card, save, sharp_plots, strip, text

MODEL, PROMPT, SEEDS = "digits", "a six", 12
NOISE_LEVEL = "noise level \N{GREEK SMALL LETTER SIGMA}/\N{GREEK SMALL LETTER ALPHA}"

Parts = Callable[[Sequence[Panel]], Sequence[Image.Image]]


@dataclass(frozen=True, slots=True)
class Card:
    """How an analysis is shown.

    Attributes:
        title, subtitle: above the panels.
        parts: from the panels of the analysis to what stands on the card.
        prompt: that is explained.
        options: of the analysis.
    """

    title: str
    subtitle: str
    parts: Parts
    prompt: str = PROMPT
    options: dict[str, Any] = field(default_factory=lambda: {"seeds": SEEDS, "quick": True})


@cache
def _model() -> TextToImage:
    return TextToImage.from_pretrained(MODEL)


def explanation(name: str, path: Path) -> Path:
    """Make one analysis and draw its card."""
    how = CARDS[name]
    found: Explanation = getattr(explain, name)(_model(), how.prompt, **how.options)
    with sharp_plots():
        parts = how.parts(found.panels)
    return save(card(how.title, how.subtitle, *parts), path)


# From panels to parts


def pictures(number: int | str, *names: str | None, above: str = NOISE_LEVEL) -> Parts:
    """Panel `number`, a strip.

    Args:
        number: from 1, or the title of the panel.
        names: of its rows, of which no more are shown; None keeps the panel's own.
        above: what the names of the columns are.
    """

    def parts(panels: Sequence[Panel]) -> list[Image.Image]:
        panel = _panel(panels, number, Strip)
        rows = [[to_picture(x) for x in row] for row in panel.images.float()][: len(names)]
        own = zip(names, panel.row_names or names, strict=False)
        columns = panel.column_names
        named = [name or str(usual) for name, usual in own]
        return [strip(rows, named, columns, above=above if columns else "")]

    return parts


def plot(number: int, kind: type, *, lines: Sequence[str] = (), **words: Any) -> Parts:
    """Panel `number`, which has axes, without its title and with other words where given.

    Args:
        number: from 1.
        kind: of panel, so that a panel that moved is noticed.
        lines: labels, one a line that is drawn.
        words: other fields of the panel.
    """

    def parts(panels: Sequence[Panel]) -> list[Image.Image]:
        panel, changed = _panel(panels, number, kind), dict(words)
        if lines:
            named = zip(panel.lines, lines, strict=True)
            changed["lines"] = [replace(line, label=label) for line, label in named]
        if kind is Bars:
            changed["values"] = [round(value, 2) + 0.0 for value in panel.values]
        return [draw(replace(panel, title="", **changed))]

    return parts


def walks(panels: Sequence[Panel]) -> list[Image.Image]:
    """Of the trajectory: the picture so far and the predicted one, seed by seed."""
    so_far, predicted = (_panel(panels, number, Strip) for number in (1, 2))
    rows, names = [], []
    for seed in range(2):
        for panel, name in ((so_far, "so far"), (predicted, "predicted")):
            rows.append([to_picture(x) for x in panel.images[seed].float()])
            names.append(f"seed {seed}, {name}")
    return [strip(rows, names, so_far.column_names, above=NOISE_LEVEL)]


def below(words: str, parts: Parts) -> Parts:
    """Parts under a sentence."""

    def under(panels: Sequence[Panel]) -> list[Image.Image]:
        said = text(words, TEXT, SOFT)
        return [*([said] if said else []), *parts(panels)]

    return under


def both(*several: Parts) -> Parts:
    """Parts below each other."""
    return lambda panels: [one for parts in several for one in parts(panels)]


def _panel(panels: Sequence[Panel], which: int | str, kind: type) -> Any:
    """A panel by its number, from 1, or by its title where others before it may be missing."""
    titles = [panel.title for panel in panels]
    panel = panels[titles.index(which) if isinstance(which, str) else which - 1]
    if not isinstance(panel, kind):
        raise TypeError(f"panel {which} is a {type(panel).__name__}, not a {kind.__name__}")
    return panel


CARDS = {
    "trajectory": Card(
        "From noise to picture",
        "Two seeds of “a six”. So far: the noisy picture x_t. Predicted: the finished picture that "
        "the network expects at that step.",
        walks,
    ),
    "commitment": Card(
        "When is the digit decided?",
        "The finished picture that the network predicts at each noise level: with the prompt it is "
        "a six from the first step; without one the digit is decided on the way.",
        both(
            pictures(
                1, "seed 0, prompt", "seed 1, prompt", "seed 0, no prompt", "seed 1, no prompt"
            ),
            below(
                "U-turns: a finished six is noised up to a level and denoised again without the "
                "prompt. Left of t50, where there is more noise, its digit is mostly lost.",
                plot(
                    4,
                    Curve,
                    lines=("it is a six again", "the prediction at the turn is a six", "t50"),
                    xlabel=f"{NOISE_LEVEL} at the turn",
                    ylabel="share of U-turns",
                ),
            ),
        ),
    ),
    "timesteps": Card(
        "Which part of the walk needs the prompt?",
        f"The walk in eight parts by {NOISE_LEVEL}, the noisiest on top. Each bar: how much surer "
        "of a six the judge becomes when the prompt acts in that part (Shapley values).",
        plot(1, Bars, xlabel="what the prompt adds (log-odds of a six), with 95 % intervals"),
        options={"seeds": 16},
    ),
    "switching": Card(
        "When does the prompt have to act?",
        "The prompt acts in one window of the walk only. Colour and number: how likely the judge "
        "then finds a six. Bright cells are windows that suffice.",
        plot(
            1,
            Heatmap,
            xlabel=f"{NOISE_LEVEL} where the window begins",
            ylabel="length of the window, in parts of the walk",
            label="probability of a six",
        ),
        options={"seeds": 16},
    ),
    "stepwise": Card(
        "Is the predicted picture nearest to its own words?",
        "Cosine of the predicted picture with its own prompt and with those of other digits, by a "
        "CLIP that did not condition the model, less that of pictures without a prompt.",
        plot(9, Curve, xlabel=NOISE_LEVEL),
    ),
    "guidance_field": Card(
        "What the prompt changes at each step",
        "Predicted pictures of seed 0. The field is the prediction with the prompt minus the one "
        "without it; guidance adds more of it.",
        pictures(1, "no prompt", "with the prompt", "guided", "the field"),
    ),
    "guidance_weights": Card(
        "The same seeds with more and more guidance",
        "Each column is a seed. At scale 0 the prompt is ignored; the model's own scale is 2.",
        pictures(1, "scale 0", "scale 1", "scale 2", "scale 4"),
    ),
    "words": Card(
        "Which word makes the six?",
        "How much surer of a six each word of “a photo of the digit six” makes the judge (Shapley "
        "values). “blicket” is a nonsense word, for comparison.",
        plot(1, Bars, xlabel="what the word adds (log-odds of a six), with 95 % intervals"),
        prompt="a photo of the digit six",
        options={"seeds": 10, "quick": True},
    ),
    "embedding": Card(
        "Which part of the condition makes the six?",
        "The condition moves from that of the average picture to that of “a six”.",
        both(
            pictures(4, "one seed", above="share of the way"),
            below(
                "What each direction of the condition adds to the score of a six on the way. "
                "Nearly all comes through the direction of the word “six”.",
                plot(1, Bars, xlabel="what it adds to the score, with 95 % intervals"),
            ),
        ),
    ),
    "initial_noise": Card(
        "The same noise under other prompts",
        "Each row begins from the same noise: the prompt decides the digit, the seed a part of "
        "the handwriting.",
        pictures(1, "seed 0", "seed 1", "seed 2", "seed 3", above="prompt"),
    ),
    "noise_prediction": Card(
        "What is in the predicted noise?",
        "The prompt cannot be seen in the noise that the network predicts, but in the difference "
        "that the prompt makes to it.",
        pictures(
            3,
            "the picture so far",
            "predicted noise, with the prompt",
            "predicted noise, without it",
            "the difference of the two",
        ),
    ),
    "provenance": Card(
        "Which training pictures steer the prompt?",
        "With the bridge “knn” the condition is mixed from ten training pictures. The same seeds "
        "with these ten, and with others in their place:",
        pictures(
            "The same seeds and words with other neighbours",
            "its own ten",
            "the next nearest",
            "any ten",
            "those of another prompt",
        ),
    ),
    "bottleneck": Card(
        "Steering from inside the network",
        "No prompt here: the mean change that “a six” makes at the network's lowest layer is "
        "added there. The last row adds another direction of the same length.",
        pictures(
            1, "nothing added", "half of it", "all of it", "twice", "another direction, twice"
        ),
    ),
    "inversion": Card(
        "Back to the noise, and down again",
        "Finished pictures are walked up to the noise that they come from, then down again under "
        "the same prompt and under another.",
        pictures(1, "picture", "its noise", "down again", None),
    ),
}
"""A card for every analysis, by its name. What a title claims is to be read again when the model
changes."""
