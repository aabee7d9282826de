"""The wheel is built, installed into an empty environment, and does its job from there.

The environment has the package from the wheel; what the package needs is borrowed from the
environment of the tests, so nothing is downloaded.
"""

import email
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

import ddpm_clip
from ddpm_clip.cli.main import COMMANDS

pytestmark = pytest.mark.slow
pytest.importorskip("hatchling", reason="the extra `test` has what builds a wheel")

ROOT = Path(__file__).resolve().parents[2]
BUILD = "import sys, hatchling.build as backend; print(getattr(backend, sys.argv[1])(sys.argv[2]))"
SCRIPTS = "Scripts" if os.name == "nt" else "bin"
NAMES = [command.__name__.replace("_", "-") for command in COMMANDS]


SMALLER = {
    "DDPM_CLIP_TRAINING__ANIMATION": "false",
    "DDPM_CLIP_TRAINING__BATCH_SIZE": "8",
    "DDPM_CLIP_TRAINING__SAMPLE_EVERY": "0",
    "DDPM_CLIP_DATA__HELDOUT": "4",
}
"""What makes the training of the demo small, beside its own COUNT and STEPS."""


def called(*words: object, home: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a program where neither the checkout nor a network can help."""
    away = {"PYTHONPATH", "VIRTUAL_ENV", "PYTHONHOME"}
    environ = {name: value for name, value in os.environ.items() if name not in away}
    environ |= {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "PYTHONNOUSERSITE": "1"} | more
    done = subprocess.run(
        [str(word) for word in words], cwd=home, env=environ, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
    return done


def built(kind: str, folder: Path) -> Path:
    """Build a distribution from the checkout; its file."""
    done = subprocess.run(
        [sys.executable, "-c", BUILD, kind, str(folder)], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return folder / done.stdout.split()[-1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return built("build_wheel", tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The folder of an environment that holds the wheel, and borrows what it needs."""
    home = tmp_path_factory.mktemp("installed") / "venv"
    venv.create(home, symlinks=os.name != "nt")
    python = home / SCRIPTS / Path(sys.executable).name
    pip = (sys.executable, "-m", "pip", "--python", python, "install", "--no-index", "--no-deps")
    called(*pip, "--quiet", "--disable-pip-version-check", wheel, home=home)
    borrowed = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    borrowed |= {str(Path(sys.modules[name].__file__).parents[1]) for name in ("torch", "typer")}
    place = called(python, "-c", "import sysconfig as s; print(s.get_path('purelib'))", home=home)
    (Path(place.stdout.strip()) / "borrowed.pth").write_text("\n".join(sorted(borrowed)) + "\n")
    return home


@pytest.fixture
def command(installed, tmp_path):
    """`command("show", "digits")` runs the installed program in an empty folder; its output."""
    program = installed / SCRIPTS / ("ddpm-clip.exe" if os.name == "nt" else "ddpm-clip")
    return lambda *words: called(program, *words, home=tmp_path).stdout


def test_the_package_comes_from_the_wheel(installed, tmp_path):
    code = "import ddpm_clip, ddpm_clip.build as b; print(ddpm_clip.__file__); print(b.__file__)"
    python = installed / SCRIPTS / Path(sys.executable).name
    for file in called(python, "-c", code, home=tmp_path).stdout.splitlines():
        assert Path(file).is_relative_to(installed), file
        assert not Path(file).is_relative_to(ROOT), file


def test_every_command_has_its_help(command):
    assert command("--version") == f"ddpm-clip {ddpm_clip.__version__}\n"
    shown = command("--help")
    for name in NAMES:
        assert f"  {name} " in shown
        assert command(name, "--help").startswith(f"Usage: ddpm-clip {name} ")


def test_a_picture_is_painted_and_measured(command, tmp_path):
    (painted,) = json.loads(
        command("generate", "a six", "--model", "digits", "-n", 1, "--steps", 8, "--json")
    )
    assert (tmp_path / painted["file"]).is_file()
    (tmp_path / "asked.txt").write_text("a six\tdigit=six\n")
    measured = json.loads(
        command(*("evaluate", "digits", "-n", 1, "--steps", 8, "--prompts", "asked.txt", "--json"))
    )
    assert measured["parts"]["success"]["figures"][0]["n"] == 1
    assert (tmp_path / "evaluation" / "evaluation.html").is_file()


def test_the_licence_of_the_weights_is_shown(command):
    assert "CC-BY-SA-3.0. Adapted from MNIST by Yann LeCun and Corinna Cortes" in command(
        "show", "digits"
    )


@pytest.mark.skipif(not shutil.which("make"), reason="no make here")
def test_the_demo_runs_as_make_runs_it(installed, tmp_path):
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    for stamp in (".made", ".installed"):  # there is nothing left to install
        (installed / stamp).touch()
    words = (f"VENV={installed}", "COUNT=24", "STEPS=2")
    shown = called("make", "demo", *words, home=tmp_path, **SMALLER).stdout
    assert shown.count("$ ddpm-clip generate") == 3
    assert "$ ddpm-clip train demo/photos --preset flowers" in shown
    for folder in ("digits", "flowers", "painted"):
        assert str(tmp_path / "demo" / folder / "grid.png") in shown
        assert (tmp_path / "demo" / folder / "grid.png").stat().st_size > 1000
    assert len(list((tmp_path / "demo" / "painted").glob("*.png"))) == 13  # 3 prompts x 4, a grid


def test_the_wheel_has_both_licences_and_the_model_card(wheel):
    with zipfile.ZipFile(wheel) as files:
        names = set(files.namelist())
        (about,) = (name for name in names if name.endswith(".dist-info/METADATA"))
        said = email.message_from_string(files.read(about).decode())
        home = about.rpartition("/")[0]
        texts = {
            name: files.read(f"{home}/licenses/{name}").decode()
            for name in said.get_all("License-File")
        }
        card = files.read("ddpm_clip/weights/MODEL_CARDS.md").decode()
    assert said["License-Expression"] == "MIT AND CC-BY-SA-3.0"
    assert texts["LICENSE"].startswith("MIT License")
    assert "Attribution-ShareAlike 3.0 Unported" in texts["LICENSES/CC-BY-SA-3.0.txt"]
    assert "8. Miscellaneous" in texts["LICENSES/CC-BY-SA-3.0.txt"]
    assert card == (ROOT / "MODEL_CARDS.md").read_text(encoding="utf-8")
    assert said["Version"] == ddpm_clip.__version__
    assert said["Author"] == "ddpm_clip contributors"
    assert {f"Programming Language :: Python :: 3.{minor}" for minor in (11, 12, 13)} <= set(
        said.get_all("Classifier")
    )


def test_the_wheel_is_the_package_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as files:
        inside = {name for name in files.namelist() if ".dist-info/" not in name}
    package = ROOT / "src"
    wanted = {
        path.relative_to(package).as_posix()
        for path in (package / "ddpm_clip").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert inside == wanted | {"ddpm_clip/weights/MODEL_CARDS.md"}


def test_the_source_distribution_has_what_builds_and_tests_the_package(tmp_path):
    with tarfile.open(built("build_sdist", tmp_path)) as files:
        names = {name.partition("/")[2] for name in files.getnames()}
    assert {"LICENSE", "LICENSES/CC-BY-SA-3.0.txt", "MODEL_CARDS.md", "README.md"} <= names
    assert {"Makefile", "constraints.txt", "docs/licences.md", "tests/conftest.py"} <= names
    assert not [name for name in names if name.startswith((".venv", "runs/", "demo/"))]
