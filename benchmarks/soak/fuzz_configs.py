"""Claim: no config file, assignment or environment variable crashes, hangs or fills the memory.

python benchmarks/soak/fuzz_configs.py                 10,000 files
python benchmarks/soak/fuzz_configs.py --cases 200     a short run
python benchmarks/soak/fuzz_configs.py --case 17       a single case, with its traceback
"""

import random
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml
from fuzzing import Fuzzer, main
from mutations import HOSTILE, spoilt, spoilt_tree
from trials import RESULTS

from ddpm_clip.build import build_ddpm, build_denoiser
from ddpm_clip.config.resolve import dotted_keys, resolve
from ddpm_clip.config.schema import Config
from ddpm_clip.errors import UsageError
from ddpm_clip.utils.tensors import skeleton

LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{b}: &{b} [{','.join(['*' + a] * 9)}]\n" for a, b in pairwise("abcdefghi")
)
BOMBS = (
    LAUGHS, "model: &m\n  arch: unet\ndata: *m\n", "&a [*a]", "? {a: b}\n: c\n",
    "<<: {model: {arch: x}}\n", "model: !!python/object/apply:os.system ['id']\n",
    "!!python/name:os.system\n", "- " * 3000, "[" * 10_000, "{" * 2_000, "a: " * 400,
    "!!set {a, b}\n", "!!binary aGk=\n", "model: !!omap [a]\n", "2001-99-99",
    "training: {lr: " + "9" * 6_000 + "}\n", "training: {lr: .nan}\n",
    "training: {steps: .inf}\n", "training: {lr: 1:2:3:99999999999}\n",
    "model: {down_chs: [" + "64," * 3_000 + "]}\n", "model: {down_chs: [1000000000]}\n",
    "data: {image_size: 1000000000}\n", "%YAML 9.9\n---\na", "\x00", "\ufeffmodel: {}",
    "x: " + "a" * 300_000, "#" * 300_000, "'" * 9_001, "---\n" * 500,
)  # fmt: skip


def prepare(home: Path) -> list[bytes]:
    """Read all configs and presets of the project."""
    root = RESULTS.parents[1]
    paths = [
        *sorted((root / "config").glob("*.yaml")),
        *sorted((root / "src/ddpm_clip/presets").glob("*.yaml")),
    ]
    return [path.read_bytes() for path in paths]


def attempt(rng: random.Random, corpus: list[bytes], home: Path) -> str:
    """Read one corrupted config, through one of the ways in which configs are given."""
    way, path = rng.random(), home / "config.yaml"
    if way < 0.15:
        key = rng.choice((*dotted_keys(), "training.lrr", "", ".", "a.b.c", "x" * 3000))
        value = rng.choice((*map(str, HOSTILE), *BOMBS))
        source: dict[str, Any] = {"assignments": [f"{key}={value}"]}
        if way < 0.05:
            source = {"environ": {f"DDPM_CLIP_{key.upper().replace('.', '__')}__": value}}
        config = resolve(**source)[0]
    else:
        path.write_bytes(_text(rng, corpus))
        config = resolve(file=path)[0]
    return _built(config)


def _text(rng: random.Random, corpus: list[bytes]) -> bytes:
    whole, how = rng.choice(corpus), rng.random()
    if how < 0.1:
        return rng.choice(BOMBS).encode("utf-8", "surrogatepass")
    if how < 0.5:
        tree = spoilt_tree(
            rng.choice((yaml.safe_load(whole), Config().model_dump(mode="json"))), rng
        )
        return yaml.safe_dump(tree, allow_unicode=True).encode("utf-8", "replace")
    return spoilt(whole, rng, [rng.choice(corpus)])


def _built(config: Config) -> str:
    """Check that the network of an accepted config can be built, or is refused."""
    build_ddpm(config.diffusion)
    try:
        skeleton(
            lambda: build_denoiser(
                config.model,
                T=config.diffusion.timesteps,
                img_ch=config.data.channels,
                img_size=config.data.image_size,
                c_embed_dim=65,
            )
        )
    except ValueError as error:  # `build_denoiser` reports it this way
        raise UsageError("this network cannot be built", str(error)) from error
    return "accepted"


if __name__ == "__main__":
    main(Fuzzer("fuzz_configs", "configs", prepare, attempt))
