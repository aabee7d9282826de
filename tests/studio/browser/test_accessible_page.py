"""Every view, light and dark, at 320 pixels: no serious finding of axe, nothing too wide."""

import pytest

pytestmark = pytest.mark.slow

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")

VIEWS = ("paint", "map", "edit", "gallery", "train")


def serious(page) -> list[str]:
    """What axe finds that keeps people out."""
    found = axe.Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {node['target']} {node['failureSummary']}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_no_view_keeps_anybody_out(tab, dark):
    page = tab(dark=dark, width=320)
    found = {}
    for view in VIEWS:
        page.goto(f"/#/{view}")
        page.wait_for_selector(f'nav a[data-view="{view}"][aria-current]')
        page.wait_for_selector("main h1", state="attached")
        found[view] = serious(page)
        assert page.evaluate("document.documentElement.scrollWidth") == 320, view
    assert found == {view: [] for view in VIEWS}


def test_looking_inside_keeps_nobody_out(page, paint):
    paint("four")
    page.click("picture-sheet .open >> nth=0")
    page.wait_for_selector(".way canvas")
    assert serious(page) == []


def test_the_colours_can_be_chosen(page):
    page.goto("/#/paint")
    paper = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(paper)
    for _ in range(2):
        page.click(".frame-tools button")
    assert page.evaluate(paper) != light
    page.reload()
    assert page.evaluate(paper) != light


def test_hints_belong_to_their_fields_and_nothing_is_an_empty_list(page):
    page.goto("/#/paint")
    page.wait_for_selector(".chip")
    field = page.get_by_label("Guidance", exact=True)
    hint = page.locator(f"#{field.get_attribute('aria-describedby')}")
    assert hint.inner_text().startswith("How strongly the words pull.")
    for view in VIEWS:
        page.goto(f"/#/{view}")
        page.wait_for_selector(f'nav a[data-view="{view}"][aria-current]')
        page.wait_for_selector("main h1", state="attached")
        assert page.locator("main ul:empty:visible").count() == 0, view
