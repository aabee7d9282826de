"""Embedding pictures: how much of the bare encoder's speed remains with files, threads and a cache?

`python benchmarks/embedding.py`. Writes a folder of JPEGs, then measures in alternation: the
encoder alone on batches held in memory; the job of `ddpm-clip embed` with decoding and resizing in
threads; and the same job in a single thread. The encoder is a randomly initialised CLIP the size of
ViT-B/32 (which takes the same time as a trained one), or the one given by `--model`.
"""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from PIL import Image
from reporting import RESULTS, claim, parsed, print_claims, write_results
from timing import rates, ratio, side_by_side
from torch import Tensor

from ddpm_clip.config.schema import Config
from ddpm_clip.data.local.folder import read_folder
from ddpm_clip.embedders.transformers_clip import TransformersClip
from ddpm_clip.training.prepare import embedding
from ddpm_clip.types import Item
from ddpm_clip.utils.device import pick_device, pick_dtype

NEEDED = 0.9


def stranger(layers: int, width: int, side: int, device: torch.device) -> TransformersClip:
    """A randomly initialised CLIP with an image tower of the given size."""
    from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel

    heads = max(1, width // 64)
    seen = {
        "hidden_size": width,
        "num_hidden_layers": layers,
        "intermediate_size": 4 * width,
        "num_attention_heads": heads,
        "image_size": side,
        "patch_size": 32,
    }
    read = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "vocab_size": 8}
    config = CLIPConfig(vision_config=seen, text_config=read, projection_dim=512)
    network = CLIPModel(config).to(device, pick_dtype("auto", device)).eval()
    crop = {"height": side, "width": side}
    processor = CLIPImageProcessorPil(size={"shortest_edge": side}, crop_size=crop)
    return TransformersClip("stranger", "clip", network, processor, None, fingerprint="random")


def write_pictures(folder: Path, n: int, side: int) -> None:
    """Write JPEGs of smooth noise, with file sizes close to those of photographs."""
    rng = np.random.default_rng(0)
    for i in range(n):
        small = Image.fromarray(rng.integers(0, 256, (side // 16, side // 12, 3), dtype=np.uint8))
        large = small.resize((side * 4 // 3, side), Image.Resampling.BICUBIC)
        large.save(folder / f"{i:06d}.jpg", quality=90)


def bare(encoder: TransformersClip, ready: list[Tensor]) -> None:
    """Run every batch through the encoder, and nothing else."""
    for batch in ready:
        encoder.embed_ready(batch)


def job(encoder: Any, folder: Path, config: Config, workers: int) -> None:
    """Do what the command does, into a new cache."""
    embedding.WORKERS = workers
    with tempfile.TemporaryDirectory() as home:
        for _ in embedding.embed_source(Path(home), config, read_folder(folder), encoder):
            pass


def main() -> None:
    options = _options()
    encoder: Any = (
        TransformersClip.load(options.model, device=options.device, batch_size=options.batch_size)
        if options.model
        else stranger(options.layers, options.width, options.side, pick_device(options.device))
    )
    keys = {"embedder": {"batch_size": options.batch_size}, "data": {"heldout": 0}}
    config, workers = Config.model_validate(keys), embedding.WORKERS
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home)
        write_pictures(folder, options.pictures, options.picture_side)
        source = read_folder(folder)
        ready = [encoder.ready(Item("", source[i])) for i in range(options.batch_size)]
        batches = [torch.stack(ready)] * -(-options.pictures // options.batch_size)
        arms: dict[str, Callable[[], None]] = {
            "bare encoder": lambda: bare(encoder, batches),
            "embed": lambda: job(encoder, folder, config, workers),
            "embed, one thread": lambda: job(encoder, folder, config, 0),
        }
        times = side_by_side(arms, options.repeats, told=print)
    speed = {name: rates(timing, options.pictures) for name, timing in times.items()}
    share = ratio(speed["embed"], speed["bare encoder"])
    for name, values in speed.items():
        print(f"{name:<20} {median(values):8.1f} pictures per second")
    text = "throughput of `embed`, as a share of the bare encoder's"
    claims = [claim(text, share.median, NEEDED)]
    print_claims(claims)
    random = f"random weights, {options.layers} layers of {options.width}, {options.side} px"
    write_results(
        options.out,
        {
            "claims": claims,
            "encoder": options.model or random,
            "device": str(pick_device(options.device)),
            "pictures": options.pictures,
            "picture_side": options.picture_side,
            "batch_size": options.batch_size,
            "decoding_threads": workers,
            "pictures_a_second": {n: t.as_dict(options.pictures) for n, t in times.items()},
            "share_of_bare": share.as_dict(),
        },
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", help="hub id or folder of a pretrained CLIP")
    parser.add_argument("--pictures", type=int, default=512)
    parser.add_argument("--picture-side", type=int, default=375, help="height in pixels")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--width", type=int, default=768)
    parser.add_argument(
        "--side", type=int, default=224, help="size of the encoder's input, in pixels"
    )
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--out", type=Path, default=RESULTS / "embedding.json")
    return parsed(parser)


if __name__ == "__main__":
    main()
