"""Train: what is said of a training, and where the focus is; the server's answers are made up."""

import json

import pytest

expect = pytest.importorskip("playwright.sync_api", reason="playwright is missing").expect

pytestmark = pytest.mark.slow

ID = "ab" * 16
RUN = {"id": ID, "name": "roses", "source": "photos/roses", "started": 0, "command": "ddpm-clip"}
BEGUN = RUN | {"state": "running", "said": "", "can_open": False, "step": None, "curve": []}
PLAN = {"minutes": 2, "trials": [{"steps": 80, "needed": 1000}, {"steps": 250, "needed": 1000}]}


@pytest.fixture
def run(page):
    """The only training of a server, to be changed by a test; it is started at the page."""
    run, started = dict(BEGUN), []

    def runs(route):
        if route.request.method == "POST":
            started.append(route.request.post_data_json)
            return route.fulfill(body=json.dumps(run))
        return route.fulfill(body=json.dumps({"runs": [run] if started else [], "presets": []}))

    def stop(route):
        route.fulfill(body=json.dumps(run))

    sources = {"sources": [{"id": "s", "name": "photos/roses", "pictures": 20}]}
    page.route("**/api/sources", lambda route: route.fulfill(body=json.dumps(sources)))
    page.route("**/api/runs", runs)
    page.route(f"**/api/runs/{ID}", lambda route: route.fulfill(body=json.dumps(run)))
    page.route(f"**/api/runs/{ID}/stop", stop)
    page.route(f"**/api/runs/{ID}/events", lambda route: None)
    page.route("**/api/jobs", lambda route: route.fulfill(body='{"id": "scan"}'))
    page.route("**/api/jobs/scan/events", lambda route: None)
    page.goto("/#/train")
    page.check(".source input")
    return run


def begin(page):
    page.focus("text=Start training")
    page.keyboard.press("Enter")
    page.wait_for_selector(".run .state")


def test_a_training_that_was_started_is_brought_into_sight(page, run):
    page.set_viewport_size({"width": 400, "height": 500})
    begin(page)
    expect(page.locator(":focus")).to_have_text("roses")
    assert page.locator(".run h2").bounding_box()["y"] < 100
    assert "It begins" in page.inner_text(".run > .hint")


def test_stopping_is_said_and_the_focus_stays_at_the_buttons(page, run):
    begin(page)
    page.focus(".run .buttons >> text=Stop")
    page.keyboard.press("Enter")
    expect(page.locator(".run .buttons")).to_have_text("Stop at once")
    expect(page.locator(":focus")).to_have_text("Stop at once")
    assert "saves" in page.inner_text(".run > .hint")


@pytest.mark.parametrize(
    ("state", "saved", "offered"),
    [
        ("stopped", False, []),
        ("stopped", True, ["Resume", "Paint with it"]),
        ("done", True, ["Paint with it"]),
        ("failed", False, []),
    ],
)
def test_only_what_is_possible_is_offered(page, run, state, saved, offered):
    run |= {"state": state, "can_open": saved}
    begin(page)
    expect(page.locator(".run .buttons button")).to_have_text(offered)
    if state == "stopped" and not saved:
        assert "Start a new one." in page.inner_text(".run > .hint")


def test_a_time_that_is_too_short_is_said(page, run):
    run |= {"state": "running", "plan": PLAN}
    begin(page)
    said = page.inner_text(".run .notice.warning")
    assert "about 250 steps" in said
    assert "8 min or more" in said
