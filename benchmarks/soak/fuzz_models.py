"""Claim: no untrusted model or run causes a crash or a hang; it paints or is refused.

python benchmarks/soak/fuzz_models.py                 10,000 folders
python benchmarks/soak/fuzz_models.py --cases 200     a short run
python benchmarks/soak/fuzz_models.py --case 17       a single case, with its traceback
"""

import json
import os
import random
import shutil
import struct
from pathlib import Path

import torch
import yaml
from fuzzing import Fuzzer, main
from mutations import as_json, spoilt, spoilt_tree

from ddpm_clip import TextToImage
from ddpm_clip.build import build_denoiser
from ddpm_clip.conditioning.conditioner import Conditioner
from ddpm_clip.conditioning.files import save_conditioner, write_note
from ddpm_clip.config.resolve import resolve
from ddpm_clip.config.schema import Config
from ddpm_clip.coverage.measuring import keep_coverage
from ddpm_clip.embedders.mini_clip import MiniClip
from ddpm_clip.evaluation.judge.network import JudgeNet
from ddpm_clip.runs.checkpoints import Checkpoint
from ddpm_clip.runs.packing import pack
from ddpm_clip.runs.pretrained import describe, load
from ddpm_clip.runs.run import Run

DIM = 8
KEYS = [
    "model.down_chs=[16, 16]",
    "model.blocks=1",
    "model.t_embed_dim=8",
    "model.attention=0",
    "data.image_size=8",
    "data.channels=1",
    "diffusion.timesteps=20",
    "embedder.name=mini_clip",
    "conditioning.bridge=knn",
    "conditioning.knn_k=4",
    "generation.steps=2",
]


def prepare(home: Path) -> list[Path]:
    """Create a small run, its packed model, and a judge."""
    torch.manual_seed(0)
    config = resolve(assignments=KEYS, environ={})[0]
    run = Run.create(home / "run", config)
    clip = MiniClip(1, 8, DIM, 8, 32)
    words = ["a six", "a nine", "a thick two", "a thin one", "seven", "a house"]
    clip.save(run.folder / "embedder", prompts=words, card={})
    rows = torch.nn.functional.normalize(torch.randn(40, DIM), dim=1)
    fitted = Conditioner.fit(
        rows, clip.eval().embed_texts(words), prompts=words, keys=[f"{i}.png" for i in range(40)]
    )
    save_conditioner(run.folder, fitted)
    write_note(run.folder, {"bridge": "knn", "reason": "measured"})
    run.write_json("classes.json", {"classes": ["six", "nine"]})
    keep_coverage(run.folder, fitted, MiniClip.load(run.folder / "embedder"), ["six", "nine"])
    weights = _weights(config, fitted)
    for step in (5, 10):
        run.save(Checkpoint(step, {"ema": weights, "model": weights}, {"ema_updates": step}))
    pack(run.folder, home / "model")
    JudgeNet({"digit": ("six", "nine")}, 1, 8, 8).save(home / "judge", {"n": 1})
    corpus = [home / "model", home / "model", home / "run", home / "judge"]
    for folder in corpus:
        _used(folder)  # undamaged, they must work
    return corpus


def attempt(rng: random.Random, corpus: list[Path], home: Path) -> str:
    """Corrupt one folder, and use it."""
    good, folder = rng.choice(corpus), home / "bad"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(good, folder)
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    for path in rng.sample(files, rng.choice((1, 1, 1, 2))):
        _spoil(path, rng)
    return _used(folder)


def _used(folder: Path) -> str:
    """Use a folder as the commands do."""
    if (folder / "judge.json").exists():
        JudgeNet.load(folder)(torch.zeros(1, 1, 8, 8))
        return "judged"
    describe(folder)
    model = load(folder, "cpu")
    TextToImage(model)("a six", n=1, steps=min(2, model.ddpm.T))
    return "painted"


def _spoil(path: Path, rng: random.Random) -> None:
    data, how = path.read_bytes(), rng.random()
    if how < 0.03:
        path.unlink()
        if how < 0.02:
            rng.choice(
                (
                    lambda: os.mkfifo(path),
                    path.mkdir,
                    lambda: path.symlink_to("/dev/zero"),
                    lambda: path.symlink_to(path),
                )
            )()
    elif how < 0.55 and path.suffix == ".json":
        path.write_bytes(as_json(spoilt_tree(json.loads(data), rng), rng))
    elif how < 0.55 and path.suffix == ".yaml":
        tree = spoilt_tree(yaml.safe_load(data), rng)
        path.write_bytes(yaml.safe_dump(tree, allow_unicode=True).encode("utf-8", "replace"))
    elif how < 0.55 and path.suffix == ".safetensors":
        (size,) = struct.unpack("<Q", data[:8])
        header = as_json(spoilt_tree(json.loads(data[8 : 8 + size]), rng), rng)
        path.write_bytes(struct.pack("<Q", len(header)) + header + data[8 + size :])
    else:
        others = [one.read_bytes() for one in path.parent.iterdir() if one.is_file()]
        path.write_bytes(spoilt(data, rng, others))


def _weights(config: Config, conditioner: Conditioner) -> dict[str, torch.Tensor]:
    network = build_denoiser(
        config.model, T=20, img_ch=1, img_size=8, c_embed_dim=conditioner.width
    )
    return {name: value.detach().clone() for name, value in network.state_dict().items()}


if __name__ == "__main__":
    main(Fuzzer("fuzz_models", "models and runs", prepare, attempt))
