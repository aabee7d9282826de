"""Where pictures come from, how they are checked, and in which order training sees them.

- `batch_order`: which pictures are in each batch and which are mirrored, from seed and step
- `cache/`: the embedding cache: each picture is embedded once
- `captions/`: captions written from the known attributes of a picture
- `checkup/`: what in a source may harm a training: duplicates, tiny pictures, texts
- `csv_exchange/`: embeddings for other programs, as CSV and npz
- `local/`: sources on the local disk
- `pictures/`: safe decoding of untrusted files into pixels
- `remote/`: sources that stream: tar shards, URLs, data sets of the hub
- `sources`: the registry of sources: opens what a user names
- `storage/`: columns, scratch arrays and atomic files
- `subset`: a subset of a source, and the content digest of a picture

The names below are imported on first use: whoever only reads a folder loads no torch.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "batch_indices": "ddpm_clip.data.batch_order",
    "batches": "ddpm_clip.data.batch_order",
    "flip_mask": "ddpm_clip.data.batch_order",
    "CLIPDataset": "ddpm_clip.data.csv_exchange.dataset",
    "extract_clip_embeddings": "ddpm_clip.data.csv_exchange.extraction",
    "DrawnFlowers": "ddpm_clip.data.local.drawn_flowers",
    "write_folder": "ddpm_clip.data.local.drawn_flowers",
    "square": "ddpm_clip.data.pictures.crops",
    "BadImage": "ddpm_clip.data.pictures.images",
    "from_array": "ddpm_clip.data.pictures.images",
    "open_image": "ddpm_clip.data.pictures.images",
    "to_array": "ddpm_clip.data.pictures.images",
    "BadFile": "ddpm_clip.data.pictures.pixels",
    "Pixels": "ddpm_clip.data.pictures.pixels",
    "load_pixels": "ddpm_clip.data.pictures.pixels",
    "scan": "ddpm_clip.data.pictures.pixels",
    "stream_pixels": "ddpm_clip.data.pictures.pixels",
    "SOURCES": "ddpm_clip.data.sources",
    "open_source": "ddpm_clip.data.sources",
    "Subset": "ddpm_clip.data.subset",
    "digest": "ddpm_clip.data.subset",
    "limit": "ddpm_clip.data.subset",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
