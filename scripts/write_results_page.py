"""Fill docs/results.md from benchmarks/results/.

    python scripts/write_results_page.py [--check]

Replaces the text between `<!-- results: begin -->` and `<!-- results: end -->`. A benchmark without
a result is listed as not measured. With `--check` nothing is written, and the exit code is 1 if the
page is out of date.
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import results_sections as sections
from marked_pages import fill
from page_tables import Facts, claims_table, read_results, uncommitted, with_weak_judge
from promise_sections import promise
from twins_section import twins
from without_words_section import without_words

ROOT = Path(__file__).resolve().parents[1]
RESULTS, PAGE = ROOT / "benchmarks" / "results", ROOT / "docs" / "results.md"
IMAGES, MARK = ROOT / "docs" / "images", "results"


@dataclass(frozen=True, slots=True)
class Section:
    """The section of the page for one benchmark."""

    title: str
    recipe: str  # the model that was measured
    parts: Callable[[Facts], list[str]]
    image: str = ""
    program: str = ""  # with its options, if the name of the result does not give it
    absent: str = ""  # why it may be missing, in place of "Not measured yet:"


SECTIONS: dict[str, Section] = {
    "digits_from_words": Section(
        "Digits: following the words", "the shipped `digits`, from `config/digits.yaml`",
        sections.digits, "digits_from_words.png"),
    "attributes": Section(
        "Digits: thick, slanted, small …", "the shipped `digits`", sections.attributes,
        "attributes.png"),
    "bridges": Section(
        "Digits: the modality gap", "the shipped `digits`", sections.bridges),
    "beside_real": Section(
        "Beside real pictures", "the shipped models", sections.beside_real),
    "twins": Section(
        "The fast twins", "the shipped models, each by the judge of its teacher", twins),
    "clips": Section(
        "The mini-CLIPs", "the shipped models, on test pictures", sections.clips),
    "coverage_of_prompts": Section(
        "Prompts that the training data do not cover", "the shipped `digits` and `flowers`",
        sections.coverage),
    "words_stay_inside": Section(
        "Words stay inside the folder",
        "discs that the program draws and trains on, and the models in the table",
        sections.words_stay_inside, "words_stay_inside.png"),
    "three_tasks": Section(
        "Unconditional, and by class",
        "`config/unconditional.yaml` and `config/classes.yaml`, trained by the program",
        sections.three_tasks, "unconditional.png"),
    "unconditional_branch": Section(
        "Without a condition",
        "a smaller `digits`, trained by the program with conditions and without",
        sections.unconditional_branch),
    "without_words": Section(
        "Without words", "the shipped `digits` and `flowers`", without_words),
    "clip_guidance": Section(
        "Guided by the gradient of a CLIP", "the shipped `digits`, sampled without a condition",
        sections.clip_guidance, "clip_guidance.png"),
    "fashion": Section(
        "Fashion", "a model that the program trains", sections.labelled, "fashion.png"),
    "flowers_from_words": Section(
        "Drawn flowers", "the shipped `flowers`, from `config/flowers.yaml`",
        sections.flowers, "flowers_from_words.png"),
    "photos": Section(
        "Flower photos at 32 pixels", "a model that the program trains", sections.labelled,
        "photos.png"),
    "photos_64": Section(
        "Flower photos at 64 pixels", "a model that the program trains", sections.labelled,
        "photos_64.png", "photos.py --config config/photos_64.yaml"),
    "promise": Section(
        "The promise: no captions in, pictures from words out",
        "a model that the program trains; CIFAR-10, whose weights do not ship", promise,
        "promise.png"),
    "promise_pretrained": Section(
        "The promise with a pretrained CLIP", "a model that the program trains", promise,
        "promise_pretrained.png", "promise.py --embedder openai/clip-vit-base-patch32",
        "Not measured here: no network."),
    "emoji": Section(
        "Emoji", "a model that the program trains", sections.emoji, "emoji.png"),
    "noise_levels": Section(
        "Emoji: where training looks", "two short runs of `config/emoji.yaml`",
        sections.noise_levels),
}  # fmt: skip
"""Name of the result -> section, in the order of the page."""


def body(folder: Path = RESULTS, images: Path = IMAGES) -> str:
    """The table of claims, then one section per benchmark, whether it was run or not."""
    found = read_results(folder, list(SECTIONS))
    absent = [section.title for name, section in SECTIONS.items() if name not in found]
    parts = ["## Targets", claims_table(found) or "No target was measured yet."]
    if absent:
        parts.append(f"Not measured yet: {'; '.join(absent)}.")
    for name, section in SECTIONS.items():
        parts.append(f"## {section.title}")
        parts += _section(name, section, found, images)
    return "\n\n".join(part for part in parts if part)


def _section(name: str, section: Section, found: Mapping[str, Facts], images: Path) -> list[str]:
    if name not in found:
        program = f"python benchmarks/{section.program or f'{name}.py'}"
        return [f"{section.absent or 'Not measured yet:'} `{program}` has not been run."]
    facts = found[name]
    image = str(facts.get("image") or section.image)
    shown = [f"![{section.title}: the first seeds](images/{image})"]
    return [
        *(with_weak_judge(part, facts) for part in section.parts(facts)),
        *(shown if image and (images / image).is_file() else []),
        f"Measured on {section.recipe}. Last run: {_origin(facts)}",
    ]


def _origin(facts: Facts) -> str:
    made, weights = facts["made"], facts.get("model_fingerprint")
    told = f", weights `{weights}`" if weights else ""
    said = f"`{made['command']}`{told}, {made['date'][:10]}"
    return f"{said}, commit {_short(made['commit'])}{uncommitted(facts)}, {made['cpu']}."


def _short(commit: str) -> str:
    return commit if " " in commit else commit[:7]  # "not committed"


def main() -> int:
    """Fill the page, or check it."""
    return fill(PAGE, MARK, body)


if __name__ == "__main__":
    sys.exit(main())
