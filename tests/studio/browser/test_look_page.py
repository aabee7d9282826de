"""Look inside: the way from noise as a slider, settings, nearest pictures."""

import pytest

expect = pytest.importorskip("playwright.sync_api", reason="playwright is missing").expect

pytestmark = pytest.mark.slow


def test_a_picture_is_looked_into_and_left_again(page, paint):
    (first, _) = paint("a wide six")
    page.focus("picture-sheet .open >> nth=0")
    page.keyboard.press("Enter")
    page.wait_for_selector(".way canvas")
    assert page.evaluate("location.hash") == f"#/paint/look/{first}"
    slider = page.locator(".way-slider input")
    assert slider.get_attribute("max") == "3"
    slider.fill("0")
    expect(page.locator(".level")).to_contain_text("step 1 of 4")
    expect(page.locator(".way canvas")).to_have_count(2)  # guidance is off where noise is all
    slider.fill("1")
    expect(page.locator(".way canvas")).to_have_count(3)  # x_t, the clean picture, the words
    facts = page.inner_text(".facts")
    assert "Seed" in facts
    assert "dpmpp_2m" in facts
    page.wait_for_selector(".row-of-pictures li, .look .notice")
    page.keyboard.press("Escape")
    page.wait_for_url("**/#/paint")
    expect(page.locator("dialog")).to_have_count(0)
    expect(page.locator(":focus")).to_have_class("open")


def test_its_settings_are_taken_over(page, paint):
    paint("a thin one")
    page.click("picture-sheet .open >> nth=1")
    page.wait_for_selector(".look .facts")
    page.click("text=Paint with these settings")
    expect(page.locator(".tiles > li")).to_have_count(1)
    expect(page.get_by_label("Seed", exact=True)).to_have_value("2")
    page.wait_for_selector("text=seed 2")


@pytest.fixture
def analyses(page):
    """Analyses that end only when they are cancelled; the real ones take minutes."""
    waiting = []

    def submit(route):
        if route.request.post_data_json["kind"] == "explain":
            return route.fulfill(body='{"id": "why"}')
        return route.continue_()

    def end(route):
        waiting[0].fulfill(content_type="text/event-stream", body="event: cancelled\ndata: {}\n\n")
        route.fulfill(status=204)

    page.route("**/api/jobs", submit)
    page.route("**/api/jobs/why/events", lambda route: waiting.append(route))
    page.route("**/api/jobs/why", end)


def test_the_analyses_are_begun_and_cancelled_by_keyboard(page, paint, analyses):
    paint("five")
    page.click("picture-sheet .open >> nth=0")
    page.focus(".look >> text=Why?")
    page.keyboard.press("Enter")
    expect(page.locator(":focus")).to_have_text("Cancel")
    page.keyboard.press("Enter")
    page.wait_for_selector(".look >> text=Cancelled.")
    expect(page.locator(":focus")).to_have_text("Why?")


def test_what_is_said_above_a_dialog_is_in_it(page, paint):
    """An open dialog hides all that lies below it, from eyes or from screen readers."""
    paint("four")
    page.click("picture-sheet .open >> nth=0")
    page.evaluate(
        "import('/static/parts/notice.js').then(({ complain }) =>"
        " complain({ message: 'no such thing', hint: 'choose another' }))"
    )
    said = "No such thing. Choose another."
    expect(page.locator("dialog .toast span")).to_have_text(said)
    expect(page.locator("dialog [role=status]")).to_have_text(said)
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_have_count(0)
    page.evaluate("import('/static/core/announce.js').then(({ announce }) => announce('Below.'))")
    expect(page.locator("#announcements")).to_have_text("Below.")


def test_a_slider_speaks_for_itself_only_once(page, paint):
    paint("nine")
    page.click("picture-sheet .open >> nth=0")
    page.wait_for_selector(".way canvas")
    assert page.locator(".way-slider input").get_attribute("aria-valuetext").startswith("step 4")
    expect(page.locator(".look output, .look .level[role]")).to_have_count(0)
