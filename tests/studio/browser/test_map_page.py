"""Map: painting from any point of it, by pointer and by keys; morphing along a path."""

import pytest

expect = pytest.importorskip("playwright.sync_api", reason="playwright is missing").expect

pytestmark = pytest.mark.slow


@pytest.fixture
def plane(page):
    page.goto("/#/map")
    page.wait_for_selector(".map-legend:not(:empty)")
    return page.locator("plane-canvas canvas")


def test_a_click_paints_from_there(page, plane, site):
    plane.click(position={"x": 300, "y": 200})
    page.wait_for_selector("picture-sheet:not(.waiting):not(.emerging) .open")
    expect(page.locator(".tiles > li")).to_have_count(4)
    kept = site.studio.history.page("", None, 1).as_dict()["pictures"][0]
    assert kept["parameters"]["mode"] == "point"
    with page.expect_response(lambda answer: "/api/map/place" in answer.url) as placed:
        page.fill(".map-side input[type=text]", "a thick seven")
    assert "prior" in placed.value.json()["bridges"]


def test_the_map_is_used_without_a_pointer(page, plane):
    plane.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_selector("picture-sheet:not(.waiting):not(.emerging) .open")
    page.click(".without-pointer summary")
    assert page.get_by_label("Across").input_value() != "0"
    page.locator(".word-list button").first.click()
    page.wait_for_selector("picture-sheet.waiting, picture-sheet.emerging")
    page.wait_for_selector("picture-sheet:not(.waiting):not(.emerging) .open")


def test_a_path_is_morphed_along(page, plane):
    page.click("text=Drag a path")
    box = plane.bounding_box()
    page.mouse.move(box["x"] + 250, box["y"] + 150)
    page.mouse.down()
    page.mouse.move(box["x"] + 400, box["y"] + 300, steps=6)
    page.mouse.up()
    expect(page.locator(".tiles > li")).to_have_count(8)
    page.wait_for_selector("picture-sheet:not(.waiting):not(.emerging) .open")
