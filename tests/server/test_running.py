"""Starting and stopping: what is loaded when, and what is said where it cannot start."""

import gc
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from socket_server import serving

from ddpm_clip.errors import Busy, UsageError
from ddpm_clip.server.http.access import ROUTES
from ddpm_clip.server.http.openai.fields import EditFields, ImageFields, VariationFields
from ddpm_clip.server.http.options import ServerOptions
from ddpm_clip.server.running import address, bound

PAGE = Path(__file__).resolve().parents[2] / "docs" / "server.md"


@pytest.mark.slow
def test_a_server_answers_before_torch_is_loaded():
    code = (
        "import sys; from ddpm_clip.server.http.app import create_app; "
        "from ddpm_clip.server.kinds import JOB_KINDS; "
        "from ddpm_clip.server.service.models import Models; "
        "from ddpm_clip.server.service.service import Service; import ddpm_clip.server.running; "
        "models = Models(['digits']); models.check(); create_app(Service(models, JOB_KINDS)); "
        "print({'torch', 'transformers', 'matplotlib'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_port_in_use_is_said(cli):
    with bound(ServerOptions(port=0)) as listening:
        port = listening.getsockname()[1]
        assert address(listening) == f"http://127.0.0.1:{port}"
        with pytest.raises(Busy, match=str(port)):
            bound(ServerOptions(port=port))
        assert cli("serve", "digits", "--port", port).code == 75


def test_an_answer_does_not_wait_for_the_acknowledgement_of_the_part_before():
    with bound(ServerOptions(port=0)) as listening:
        client = socket.create_connection(listening.getsockname())
        accepted, _ = listening.accept()
        with client, accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_who_answers_waits_for_who_paints_less_than_a_millisecond(url):
    assert sys.getswitchinterval() < 0.001


@pytest.mark.slow
def test_the_garbage_collector_passes_over_open_models(models):
    gc.unfreeze()
    with serving(models):
        wanted = time.monotonic() + 20
        while not gc.get_freeze_count() and time.monotonic() < wanted:
            time.sleep(0.05)
        assert gc.get_freeze_count() > 10_000


def test_an_address_of_another_machine_is_said():
    with pytest.raises((UsageError, Busy)):
        bound(ServerOptions("192.0.2.1", 0))


def test_all_addresses_are_named_by_one_that_works():
    with socket.create_server(("0.0.0.0", 0)) as listening:
        assert address(listening).startswith("http://127.0.0.1:")


@pytest.mark.parametrize("name", ["fastapi", "uvicorn", "python_multipart", "prometheus_client"])
def test_a_missing_package_is_named_with_the_extra(cli, monkeypatch, name):
    monkeypatch.setitem(sys.modules, name, None)
    ended = cli("serve", "digits")
    assert ended.code == 2
    assert name in ended.err
    assert 'pip install "ddpm-clip[studio]"' in ended.err


def test_an_unknown_model_is_said_before_anything_listens(cli):
    ended = cli("serve", "digit")
    assert (ended.code, ended.out) == (66, "")


@pytest.mark.slow
def test_the_example_of_the_page_works(url):
    block = PAGE.read_text(encoding="utf-8").split("```py\n")[1].split("```")[0]
    assert "http://127.0.0.1:8000" in block
    scope: dict = {}
    example = block.replace("http://127.0.0.1:8000", url).replace("a six", "left")
    exec(compile(example, str(PAGE), "exec"), scope)
    assert scope["picture"].startswith(b"\x89PNG")


def test_every_code_and_route_of_the_server_is_on_the_page():
    text = PAGE.read_text(encoding="utf-8")
    fields = {*ImageFields.model_fields, *EditFields.model_fields, *VariationFields.model_fields}
    assert [name for name in fields if f"`{name}`" not in text] == []
    told = text.replace("`GET` and `DELETE ", "").replace("`, `GET ", "").replace("`, `/", " /")
    assert [route for route in ROUTES if route not in told] == []
    source = "".join(
        path.read_text(encoding="utf-8")
        for path in Path(sys.modules["ddpm_clip.server"].__file__).parent.rglob("*.py")
    )
    codes = set(re.findall(r'"(E-[A-Z]+)"', source)) - {"E-HTTP"}
    assert len(codes) > 8
    assert [code for code in sorted(codes) if f"`{code}`" not in text] == []


@pytest.mark.slow
@pytest.mark.parametrize("command", ["serve", "studio"])
def test_a_signal_while_models_open_ends_within_seconds(command, tmp_path):
    words = {"serve": ["serve", "digits"], "studio": ["studio", "digits", "--no-browser"]}[command]
    words = [sys.executable, "-m", "ddpm_clip", *words, "--port", "0"]
    process = subprocess.Popen(
        words, cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout.readline().startswith("http://")
    process.terminate()
    assert process.wait(20) == 0
    assert process.stderr.read().splitlines()[-1] == "stopped"
    process.stdout.close()
    process.stderr.close()
