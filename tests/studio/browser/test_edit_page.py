"""Edit: one of our pictures dropped, its settings back, painted again, and inpainted."""

import io
import urllib.request

import pytest
from PIL import Image, ImageChops

expect = pytest.importorskip("playwright.sync_api", reason="playwright is missing").expect

pytestmark = pytest.mark.slow


def bytes_of(site, path: str) -> bytes:
    with urllib.request.urlopen(site.url + path) as answer:
        return answer.read()


def test_a_dropped_picture_restores_what_made_it_and_again_proves_it(page, paint, site):
    (first, _) = paint("a wide six")
    png = bytes_of(site, f"/api/pictures/{first}.png")
    page.goto("/#/edit")
    page.set_input_files(
        ".edit-source input", {"name": "x.png", "mimeType": "image/png", "buffer": png}
    )
    page.wait_for_selector(".origin")
    assert "a wide six" in page.inner_text(".origin")
    assert "steps 4" in page.inner_text(".origin")
    page.click(".origin >> text=Again")
    page.wait_for_selector("text=all 784 pixels are equal")


def test_what_a_fast_twin_cannot_do_is_done_by_its_teacher(page, paint, site):
    paint("zero")
    page.get_by_label("Model", exact=True).select_option("digits-fast")
    page.click("picture-sheet .open >> nth=0")
    page.click(".look >> text=Edit")
    page.click(".segments >> text=Paint over")
    assert "so digits does it" in page.inner_text(".edit-fields")
    page.get_by_label("With these words").fill("one")
    page.click(".edit-main .primary")
    page.wait_for_selector(".edit picture-sheet:not(.waiting):not(.emerging) .open")
    painted = page.locator(".edit .tiles > li").first.get_attribute("data-picture")
    png = Image.open(io.BytesIO(bytes_of(site, f"/api/pictures/{painted}.png")))
    assert '"model": "digits"' in png.info["ddpm_clip"]


def test_inpainting_by_brush_and_by_numbers_changes_only_what_is_marked(page, paint, site):
    (first, _) = paint("zero")
    page.click("picture-sheet .open >> nth=0")
    page.click(".look >> text=Edit")
    page.click(".segments >> text=Inpaint")
    expect(page.locator(".edit-main .primary")).to_be_disabled()
    page.click("text=A rectangle by numbers")
    page.click("mask-brush >> text=Add")  # the left half
    page.locator(".frame .mask").click(position={"x": 3, "y": 3})
    assert "50 %" in page.inner_text("mask-brush")
    page.get_by_label("With these words").fill("one")
    page.get_by_label("Pictures", exact=True).last.fill("1")
    page.get_by_label("Pictures", exact=True).last.blur()
    page.click(".edit-main .primary")
    page.wait_for_selector(".edit picture-sheet:not(.waiting):not(.emerging) .open")
    painted = page.locator(".edit .tiles > li").first.get_attribute("data-picture")
    pair = [bytes_of(site, f"/api/pictures/{id}.png") for id in (first, painted)]
    before, after = (Image.open(io.BytesIO(one)).convert("L") for one in pair)
    assert ImageChops.difference(before, after).crop((14, 0, 28, 28)).getbbox() is None


def test_ideas_are_blended(page):
    page.goto("/#/edit")
    page.click(".segments >> text=Blend")
    page.get_by_label("Words of idea 1").fill("three")
    page.get_by_label("Words of idea 2").fill("eight")
    page.click(".edit-main .primary")
    page.wait_for_selector(".edit picture-sheet:not(.waiting):not(.emerging) .open")
    expect(page.locator(".edit .tiles > li")).to_have_count(4)


def test_what_is_marked_outlives_another_kind_and_a_reload(page, paint):
    paint("two")
    page.click("picture-sheet .open >> nth=0")
    page.click(".look >> text=Edit")
    page.click(".segments >> text=Inpaint")
    page.locator(".frame .mask").click(position={"x": 60, "y": 60})
    marked = page.inner_text("mask-brush output")
    assert not marked.startswith("0 %")
    page.click(".segments >> text=Vary")
    page.click(".segments >> text=Inpaint")
    expect(page.locator("mask-brush output")).to_have_text(marked)
    page.reload()
    page.wait_for_selector("mask-brush")
    expect(page.locator("mask-brush output")).to_have_text(marked)
    expect(page.locator(".edit-main .primary")).to_be_enabled()
    page.goto("/#/paint")
    page.click("picture-sheet .open >> nth=1")
    page.click(".look >> text=Edit")
    page.wait_for_selector("mask-brush")
    assert page.inner_text("mask-brush output").startswith("0 %"), "it is that of another picture"
