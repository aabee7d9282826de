"""Every entry point for files, and intact models, runs and caches to hide a hostile file in."""

import contextlib
import io
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fuzz_models
import numpy as np
import torch
from PIL import Image

from ddpm_clip.cli.main import main as command_line
from ddpm_clip.conditioning.conditioner import BridgeOptions
from ddpm_clip.conditioning.files import load_conditioner
from ddpm_clip.config.resolve import read_yaml
from ddpm_clip.coverage.calibration import Coverage
from ddpm_clip.data.cache.embeddings import EmbeddingCache
from ddpm_clip.data.csv_exchange.embedding_csv import read_csv
from ddpm_clip.data.csv_exchange.embedding_pairs import read_pairs
from ddpm_clip.data.pictures.pixels import load_pixels
from ddpm_clip.data.pictures.png_texts import read_parameters
from ddpm_clip.data.sources import open_source
from ddpm_clip.embedders import EMBEDDERS
from ddpm_clip.embedders.legacy_clip import LegacyClip
from ddpm_clip.embedders.mini_clip import MiniClip
from ddpm_clip.evaluation.judge.network import JudgeNet
from ddpm_clip.runs.legacy_weights import import_legacy
from ddpm_clip.runs.packing import pack
from ddpm_clip.runs.pretrained import load, weights_of
from ddpm_clip.runs.run import Run
from ddpm_clip.utils.storage import sha256

MODEL_FILES = (
    "model.safetensors",
    "conditioner.safetensors",
    "conditioner.json",
    "config.json",
    "bridge.json",
    "coverage.json",
    "embedder/mini_clip.safetensors",
    "embedder/mini_clip.json",
)
CACHE = {"embedder_name": "m", "fingerprint": "f", "dim": 8, "preprocessing": "p"}

EntryPoint = Callable[[Path], Any]


class Goods:
    """Intact models, runs and caches to hide a hostile file in."""

    def __init__(self, home: Path):
        models = fuzz_models.prepare(home / "goods")
        self.model, self.run, self.judge = models[0], models[2], models[3]
        self.cache = home / "goods" / "cache"
        cache = EmbeddingCache.open_or_create(self.cache, **CACHE)
        cache.append(["a", "b"], ["1", "2"], torch.eye(8)[:2])
        cache.settle()
        self.picture = home / "goods" / "good.png"
        Image.fromarray(np.arange(192, dtype=np.uint8).reshape(8, 8, 3)).save(self.picture)


def entry_points(
    goods: Goods, data: bytes, name: str, home: Path
) -> Iterator[tuple[str, EntryPoint, Path]]:
    """Yield every entry point: its name, the function that reads, and the path it gets."""
    file = home / name.replace(" ", "_")
    file.write_bytes(data)
    renamed = home / "renamed.SAFETENSORS"
    renamed.write_bytes(data)
    yield from _files(file)
    yield "a renamed file as a model", load, renamed
    for path, folder in _models(goods, data, home):
        yield f"load: {path}", _painted, folder
        yield f"show: {path}", lambda p: command("show", p), folder
        yield f"generate: {path}", _generate, folder
        yield f"ask: {path}", lambda p: command("ask", "six", "--model", p), folder
    for path, folder in _runs(goods, data, home):
        yield f"run: {path}", lambda p: Run.open(p).load(), folder
        yield f"weights: {path}", weights_of, folder
        yield f"pack: {path}", lambda p: pack(p, p.with_name("packed")), folder
        yield f"show a run: {path}", lambda p: command("show", p), folder
    yield from _parts(goods, data, home)


def _files(file: Path) -> Iterator[tuple[str, EntryPoint, Path]]:
    """Entry points that read a single file."""
    yield "load", load, file
    yield "generate --model", _generate, file
    yield "show", lambda p: command("show", p), file
    yield (
        "train --init",
        lambda p: command(
            "train",
            "drawn-flowers:4",
            "--init",
            p,
            "--out",
            p.with_name("run"),
            "--set",
            "embedder.name=labels",
        ),
        file,
    )
    yield (
        "train --config",
        lambda p: command("train", "drawn-flowers:4", "--config", p, "--out", p.with_name("run")),
        file,
    )
    yield "resume", lambda p: command("resume", p), file
    yield "embed", lambda p: command("embed", p, "--output", p.with_name("x.csv")), file
    yield "scan", lambda p: command("scan", p), file
    yield "scan npz:", lambda p: command("scan", f"npz:{p}"), file
    yield "scan wds:", lambda p: command("scan", f"wds:{p}"), file
    yield "gap --pairs", lambda p: command("gap", "--pairs", p), file
    yield "similarity", lambda p: command("similarity", "a", p, "--model", "digits"), file
    yield "vary", lambda p: command("vary", p, "--model", "digits", "--steps", 2), file
    yield "import-legacy", lambda p: import_legacy(p, p.with_name("imported")), file
    yield "read_csv", read_csv, file
    yield "read_pairs", read_pairs, file
    yield "read_yaml", read_yaml, file
    yield "read_parameters", read_parameters, file
    yield "reproduce", lambda p: command("reproduce", p), file
    yield "coverage", Coverage.load, file


def _models(goods: Goods, data: bytes, home: Path) -> Iterator[tuple[str, Path]]:
    """Intact models with one hostile file each, and one with pickles beside the intact files."""
    for path in MODEL_FILES:
        yield path, _copy(goods.model, home / "model" / path.replace("/", "-"), {path: data})
    beside = dict.fromkeys(("pytorch_model.bin", "model.pth", "model.pkl", "x.py"), data)
    yield "pickles beside", _copy(goods.model, home / "model" / "beside", beside)


def _runs(goods: Goods, data: bytes, home: Path) -> Iterator[tuple[str, Path]]:
    """Intact runs with one hostile file each, listed in the manifest with its hash."""
    newest = "checkpoints/step-000010"
    for path in (
        "config.yaml",
        "classes.json",
        "run.json",
        "best.json",
        "history.jsonl",
        f"{newest}/ema.safetensors",
        f"{newest}/state.json",
    ):
        folder = _copy(goods.run, home / "run" / path.replace("/", "-"), {path: data})
        if path.startswith("checkpoints"):
            manifest = folder / newest / "manifest.json"
            facts = json.loads(manifest.read_bytes())
            facts["sha256"][Path(path).name] = sha256(folder / path)
            manifest.write_text(json.dumps(facts))
        yield path, folder


def _parts(goods: Goods, data: bytes, home: Path) -> Iterator[tuple[str, EntryPoint, Path]]:
    """Judges, conditioners, CLIPs, caches, pretrained models and folders of pictures."""
    for name in ("judge.json", "judge.safetensors"):
        yield f"judge: {name}", JudgeNet.load, _copy(goods.judge, home / name, {name: data})
    for name in ("conditioner.safetensors", "conditioner.json"):
        folder = _copy(goods.model, home / "c" / name, {name: data})
        yield f"conditioner: {name}", lambda p: load_conditioner(p, BridgeOptions()), folder
    own = {"legacy_clip.json": b'{"options": {}}', "legacy_clip.safetensors": data}
    yield "seed clip", LegacyClip.load, _copy(goods.judge, home / "seed", own)
    mini = _copy(goods.model / "embedder", home / "mini", {"mini_clip.safetensors": data})
    yield "mini clip", MiniClip.load, mini
    for name in ("manifest.parquet", "cache.json", "shard-00000.safetensors", "rows-00001.parquet"):
        folder = _copy(goods.cache, home / "cache" / name, {name: data})
        yield f"cache: {name}", _looked_up, folder
    code = b"import os; os.system('touch /tmp/never')"
    auto = {"model_type": "clip", "auto_map": {"AutoModel": "evil.Model"}}
    for name in ("model.safetensors", "pytorch_model.bin"):
        files = {name: data, "config.json": json.dumps(auto).encode(), "evil.py": code}
        folder = _copy(goods.judge, home / "hub" / name, files)
        yield f"pretrained: {name}", lambda p: EMBEDDERS["transformers_clip"](str(p)), folder
    pictures = home / "pictures"
    pictures.mkdir()
    for number in range(4):
        shutil.copy(goods.picture, pictures / f"{number}.png")
    (pictures / "bad.png").write_bytes(data)
    (pictures / "bad.txt").write_bytes(data)
    yield (
        "pictures",
        lambda p: load_pixels(open_source(p), size=8, channels=3, max_bad=0.9),
        pictures,
    )
    (pictures / "metadata.jsonl").write_bytes(data)
    yield "captions", open_source, pictures


def _copy(good: Path, folder: Path, files: dict[str, bytes]) -> Path:
    shutil.copytree(good, folder)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def _painted(folder: Path) -> None:
    model = load(folder, "cpu")
    model.embedder.embed_texts(["six"])


def _generate(path: Path) -> int:
    out = path.with_name("painted")
    return command("generate", "six", "--model", path, "--steps", 2, "-n", 1, "--out", out)


def _decoded(folder: Path) -> None:
    load_pixels(open_source(folder), size=8, channels=3, max_bad=0.9)


def _looked_up(folder: Path) -> None:
    cache = EmbeddingCache.open_or_create(folder, **CACHE)
    if not cache.missing(["a", "b"], ["1", "2"]):
        cache.lookup(["a", "b"], ["1", "2"])


def command(*words: object) -> int:
    """Run a command line in this process; raises on an unexpected error."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = command_line([str(word) for word in words])
    if code == 70 and "E-INTERNAL" in said.getvalue():
        raise RuntimeError(said.getvalue()[:300])
    return code
