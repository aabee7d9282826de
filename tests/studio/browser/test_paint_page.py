"""Paint: pictures follow while one types; cancelled, reloaded, and in two tabs."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

expect = pytest.importorskip("playwright.sync_api", reason="playwright is missing").expect

pytestmark = pytest.mark.slow

LONG = 900
"""Steps of a job that is stopped long before its end."""

PAUSE = 60
"""Milliseconds between two keys, after each of which a few-call model is asked for a new sheet."""


def form(page, **values):
    """Change what the Paint view begins with after the next load."""
    page.goto("/#/paint")
    page.evaluate(
        "changes => sessionStorage.setItem('form:paint', JSON.stringify("
        "{...JSON.parse(sessionStorage.getItem('form:paint')), ...changes}))",
        values,
    )
    page.reload()


def noted(page) -> dict:
    """The jobs that this tab notes."""
    return json.loads(page.evaluate("sessionStorage.getItem('jobs')"))


def state(site, id: str) -> str:
    return site.service.job(id).state


@contextmanager
def held(worker, monkeypatch) -> Iterator[None]:
    """A worker whose jobs run, but compute nothing until the block ends."""
    go, follow = threading.Event(), worker._follow
    monkeypatch.setattr(worker, "_follow", lambda *args: (go.wait(30), follow(*args)))
    try:
        yield
    finally:
        go.set()


def test_a_fast_twin_finishes_each_sheet_and_goes_on_with_the_newest_wish(page, site, monkeypatch):
    page.goto("/#/paint")
    page.get_by_label("Model", exact=True).select_option("digits-fast")
    expect(page.get_by_label("Not this (negative words)")).to_be_hidden()
    before = set(site.service._jobs)
    with held(site.service.worker, monkeypatch):
        page.locator("#prompt").press_sequentially("a thick")
        expect(page.locator("job-line button")).to_be_visible()
        page.locator("#prompt").press_sequentially(" red seven", delay=PAUSE)
        page.wait_for_timeout(2 * PAUSE)
    page.wait_for_selector('picture-sheet img[alt="a thick red seven"]')
    page.wait_for_selector("picture-sheet:not(.waiting) .open")
    first, newest = (job for id, job in site.service._jobs.items() if id not in before)
    assert (first.state, newest.state) == ("done", "done")
    assert newest.model == "digits-fast"


def test_pictures_follow_while_one_types_and_the_last_wish_wins(page, site):
    page.goto("/#/paint")
    page.wait_for_selector(".chip")
    page.locator("#prompt").press_sequentially("a thick seven", delay=40)
    expect(page.locator('picture-sheet img[alt="a thick seven"]')).to_have_count(2)
    expect(page.locator(".tiles > li")).to_have_count(2)
    expect(page.locator("job-line")).to_contain_text("2 pictures in")
    before = page.locator("picture-sheet img").first.get_attribute("src")
    page.locator(".settings input[type=range]").first.fill("1")
    expect(page.locator(".tiles > li")).to_have_count(1)
    expect(page.locator("picture-sheet img").first).not_to_have_attribute("src", before)


def test_a_picture_emerges_and_is_cancelled_within_a_step(page, site):
    form(page, prompt="two", steps=LONG, n=1)
    page.wait_for_selector("picture-sheet.emerging canvas")
    id = noted(page)["paint"]["id"]
    page.click("job-line button")
    page.wait_for_selector("text=Cancelled.")
    deadline = time.monotonic() + 5
    while state(site, id) != "cancelled" and time.monotonic() < deadline:
        time.sleep(0.02)
    assert state(site, id) == "cancelled"


def test_a_sheet_that_is_being_painted_is_kept_without_painting_it_again(page, site):
    form(page, prompt="eight", steps=60, n=1)
    page.wait_for_selector("picture-sheet.emerging canvas")
    id = noted(page)["paint"]["id"]
    with page.expect_response(lambda answer: answer.url.endswith("/api/gallery")) as kept:
        page.click(".prompt-box .primary")
    (picture,) = kept.value.request.post_data_json["ids"]
    assert [one["id"] for one in site.service.job(id).result["pictures"]] == [picture]
    assert noted(page).get("paint", {}).get("id") in (None, id)


def test_a_reload_in_the_middle_goes_on_with_the_same_job_and_other_tabs_have_their_own(tab, site):
    page = tab()
    form(page, prompt="three", steps=LONG, n=1)
    page.wait_for_selector("picture-sheet.emerging canvas")
    id = noted(page)["paint"]["id"]
    other = tab()
    other.goto("/#/paint")
    other.wait_for_selector(".chip")
    assert other.input_value("#prompt") == ""
    page.reload()
    page.wait_for_selector("picture-sheet.emerging canvas")
    assert noted(page)["paint"]["id"] == id
    expect(page.locator("#prompt")).to_have_value("three")
    assert state(site, id) == "running"
    page.click("job-line button")
    page.wait_for_selector("text=Cancelled.")


def test_a_prompt_is_never_read_as_markup(page, paint, site):
    words = "<img src=x onerror=window.hit=1><script>window.hit=1</script> שבע ☂"
    page.goto("/#/paint")
    page.fill("#prompt", words)
    page.wait_for_selector("picture-sheet .open")
    page.wait_for_selector("picture-sheet:not(.waiting):not(.emerging) .open")
    with page.expect_response(lambda answer: answer.url.endswith("/api/gallery")):
        page.click(".prompt-box .primary")  # keeps them, as they are painted already
    page.click("picture-sheet .open >> nth=0")
    expect(page.locator("#look-title")).to_have_text(words)
    page.keyboard.press("Escape")
    page.goto("/#/gallery")
    page.wait_for_selector(".cell-text")
    expect(page.locator(".cell-text >> nth=0")).to_have_text(words)
    assert page.evaluate("window.hit") is None


def test_numbers_are_moved_inside_their_range_and_a_refusal_says_what_would_help(page, site):
    form(page, prompt="seven")
    page.wait_for_selector("picture-sheet .open")
    steps = page.get_by_label("Steps", exact=True)
    steps.fill("1000000")
    steps.blur()
    assert steps.input_value() == "1000"
    page.click("job-line button")
    error = {"message": "No <b>x</b>.", "hint": "Do y."}
    page.evaluate(
        """error => import('/static/parts/notice.js').then(({ refusalNotice }) =>
             document.querySelector('.paint .messages').append(refusalNotice(error)))""",
        error,
    )
    expect(page.locator(".paint .notice p")).to_have_text([error["message"], error["hint"]])
