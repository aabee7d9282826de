"""Gallery: any number of pictures, searched, selected, compared, deleted."""

import io

import pytest
from PIL import Image

expect = pytest.importorskip("playwright.sync_api", reason="playwright is missing").expect

pytestmark = pytest.mark.slow

MANY = 300
IN_PAGE = 150
"""Most cells that may be in the page, however many pictures there are."""


@pytest.fixture(scope="module")
def filled(site):
    """A gallery of many pictures; every hundredth has other words."""
    file = io.BytesIO()
    Image.new("RGB", (28, 28), (90, 60, 170)).save(file, "PNG")
    facts = {"seed": 1, "model": "digits", "size": "28x28", "steps": 4}
    words = [f"rare {i}" if i % 100 == 0 else f"picture {i}" for i in range(MANY)]
    site.studio.history.add([(file.getvalue(), facts | {"prompt": one}) for one in words])
    return site.studio.history


def test_only_what_is_in_sight_is_in_the_page(page, filled):
    page.goto("/#/gallery")
    page.wait_for_selector(".cell img")
    assert page.locator(".cell").count() < IN_PAGE
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    page.wait_for_selector(f"text=picture {MANY - 1}")
    assert page.locator(".cell").count() < IN_PAGE
    first = page.locator(".cell button").last
    first.focus()
    index = int(page.locator(".cell:focus-within").get_attribute("data-index"))
    page.keyboard.press("ArrowLeft")
    assert int(page.locator(".cell:focus-within").get_attribute("data-index")) == index - 1


def test_pictures_are_searched_compared_and_deleted(page, filled):
    page.goto("/#/gallery")
    page.fill("input[type=search]", "rare")
    expect(page.locator(".cell")).to_have_count(3)
    for i in range(2):
        page.get_by_role("checkbox").nth(i).check(force=True)
    page.click("text=Side by side")
    assert "rare 100" in page.inner_text(".compare tr.differs")
    page.keyboard.press("Escape")
    before = len(filled)
    page.click(".gallery-actions >> text=Delete")
    page.click("dialog >> text=Keep")
    assert len(filled) == before
    page.click(".gallery-actions >> text=Delete")
    page.click("dialog .danger")
    expect(page.locator(".cell")).to_have_count(1)
    assert len(filled) == before - 2


def test_one_is_downloaded_as_a_picture_and_some_as_a_zip(page, filled):
    page.goto("/#/gallery")
    page.wait_for_selector(".cell img")
    boxes = page.get_by_role("checkbox")
    boxes.nth(0).check(force=True)
    with page.expect_download() as one:
        page.click(".gallery-actions >> text=Download")
    assert one.value.suggested_filename.endswith(".png")
    boxes.nth(1).check(force=True)
    with page.expect_download() as some:
        page.click("text=Download as zip")
    assert some.value.suggested_filename == "pictures.zip"
