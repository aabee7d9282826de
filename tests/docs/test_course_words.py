"""The pages of questions and of words: complete, in order, and every place they name is there."""

import re
from pathlib import Path

import pytest
import torch
from snippets import ROOT

import ddpm_clip
from ddpm_clip.course.catalogue import LESSONS
from ddpm_clip.statistics.intervals import wilson

DOCS, PACKAGE = ROOT / "docs", Path(ddpm_clip.__file__).parent
PAGES = ("faq", "glossary", "earlier-projects", "maths")
FAQ = (DOCS / "faq.md").read_text(encoding="utf-8")
GLOSSARY = (DOCS / "glossary.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^- \*\*(.+?)\*\*: (.+)\. `(.+?)`(?:, lesson (\w+))?$", GLOSSARY, re.M)
"""(word, meaning, file, lesson) of each line."""
ANSWERS = dict(re.findall(r"^### (\d+)\. .+\?? *\n\n(.+)$", FAQ, re.M))

WANTED = """ablation, ancestral step, audit, bank, bridge, centring, checkerboard, condition,
classifier-free guidance, closed form, cosine similarity, EMA, embedding, FiLM, gap, GroupNorm,
held-out, InfoNCE, judge, Markov, null, overlap, posterior variance, rearrange, reparameterisation,
sampler, schedule, scale, weight, SNR, token, U-Net, Wilson, timestep, walk, x_0, eps"""


def slug(heading: str) -> str:
    """The anchor that the pages' builder gives a heading."""
    text = re.sub(r"[^\w\s-]", "", re.sub(r"[`*]", "", heading).strip().lower())
    return re.sub(r"[-\s]+", "-", text).strip("-")


def anchors(page: Path) -> set[str]:
    return {
        slug(heading)
        for heading in re.findall(r"^#{1,4} (.+)$", page.read_text(encoding="utf-8"), re.M)
    }


def test_there_are_forty_answers_in_order():
    assert list(ANSWERS) == [str(i) for i in range(1, 41)]


@pytest.mark.parametrize("number", range(1, 41))
def test_an_answer_leads_on(number):
    answer = ANSWERS[str(number)]
    assert len(answer) > 80
    assert "](" in answer or re.search(r"[Ll]essons? 0\d", answer)


@pytest.mark.parametrize("name", PAGES)
def test_every_anchor_that_is_linked_to_is_there(name):
    text = (DOCS / f"{name}.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\(([\w-]*(?:\.md)?)#([\w-]+)\)", text)
    assert links
    here = DOCS / f"{name}.md"
    assert [
        link for link in links if link[1] not in anchors(DOCS / link[0] if link[0] else here)
    ] == []


def test_every_lesson_that_is_named_is_one():
    named = set(re.findall(r"[Ll]essons? (\d\db?)", FAQ)) | {row[3] for row in ROWS} - {""}
    assert named <= set(LESSONS)
    assert len(named) > 8


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_the_place_of_a_word_is_a_file(row):
    assert (PACKAGE / row[2]).is_file()


def test_every_word_that_the_course_needs_has_its_line():
    words = " ".join(row[0] for row in ROWS).lower()
    assert [word for word in re.split(r",\s+", WANTED) if word.lower() not in words] == []
    assert len(ROWS) == len(re.findall(r"^- ", GLOSSARY, re.M))


def test_the_figures_in_the_answers_are_right():
    alpha = (1 - torch.linspace(1e-4, 0.02, 150, dtype=torch.float64)).prod().sqrt().item()
    assert f"leave `alpha` at {alpha:.2f}" in FAQ
    low, high = wilson(57, 60)
    assert f"goes from {low:.0%} to {high:.0%}".replace("%", " %") in FAQ
