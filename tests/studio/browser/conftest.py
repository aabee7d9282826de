"""One server of the shipped digits and one headless Chromium for all tests of the page."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from headless import Watched, chromium_path, launched

if TYPE_CHECKING:
    from ddpm_clip.server.service.service import Service
    from ddpm_clip.studio.studio import Studio

FORM = {"model": "digits", "n": 2, "seed": 1, "steps": 4, "guidance": 2, "prompt": ""}
"""What a new tab begins with: sheets that are painted at once."""

PATIENCE = 20_000
"""Milliseconds until a test gives up on the page."""


@dataclass(frozen=True)
class Site:
    """A running studio: its address, and its parts behind it."""

    url: str
    studio: "Studio"
    service: "Service"


@pytest.fixture(scope="session")
def site(tmp_path_factory) -> Iterator[Site]:
    pytest.importorskip("uvicorn", reason="the extra `studio` is not installed")
    from ddpm_clip.generation.text_to_image import TextToImage
    from ddpm_clip.server.http.app import create_app
    from ddpm_clip.server.service.models import Models
    from ddpm_clip.server.service.service import Service
    from ddpm_clip.studio.app import add_studio
    from ddpm_clip.studio.studio import Studio

    data = tmp_path_factory.mktemp("data")
    studio = Studio.opened(tmp_path_factory.mktemp("home"), [data])
    names = ("digits", "digits-fast")
    models = Models.of(**{name: TextToImage.from_pretrained(name, "cpu") for name in names})
    with Service(models, studio.kinds) as service:
        app = create_app(service)
        add_studio(app, studio)
        with listening(app) as port:
            yield Site(f"http://127.0.0.1:{port}", studio, service)


@contextmanager
def listening(app: Any) -> Iterator[int]:
    """Serve an application at a free port of this machine, for as long as the block lasts."""
    import uvicorn

    with socket.create_server(("127.0.0.1", 0)) as bound:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run, args=([bound],))
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield bound.getsockname()[1]
        server.should_exit = server.force_exit = True
        thread.join()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    api.expect.set_options(timeout=PATIENCE)
    path = chromium_path()
    if path is None:
        pytest.skip("no Chromium is installed")
    with launched(path) as browser:
        yield browser


@pytest.fixture
def tab(chromium, site) -> Iterator[Any]:
    """`tab()` opens a new tab of one context; `tab(dark=True, width=320)` of another one."""
    watched, contexts = Watched(site.url), {}

    def opened(dark: bool = False, width: int = 1280) -> Any:
        if (dark, width) not in contexts:
            contexts[dark, width] = chromium.new_context(
                base_url=site.url,
                color_scheme="dark" if dark else "light",
                viewport={"width": width, "height": 800},
                reduced_motion="reduce",
            )
            keep = f"sessionStorage.getItem('form:paint') ?? {json.dumps(json.dumps(FORM))}"
            contexts[dark, width].add_init_script(f"sessionStorage.setItem('form:paint', {keep})")
        page = watched.watch(contexts[dark, width].new_page())
        page.set_default_timeout(PATIENCE)
        return page

    yield opened
    for context in contexts.values():
        context.close()
    assert watched.errors == []
    assert watched.foreign == []


@pytest.fixture
def page(tab) -> Any:
    return tab()


@pytest.fixture
def paint(page):
    """`paint("seven")` types a prompt, and returns the pictures' ids when they are painted."""

    def painted(prompt: str) -> list[str]:
        page.goto("/#/paint")
        page.fill("#prompt", prompt)
        page.wait_for_selector(f'picture-sheet img[alt="{prompt}"]')
        return [one.get_attribute("data-picture") for one in page.query_selector_all(".tiles > li")]

    return painted
