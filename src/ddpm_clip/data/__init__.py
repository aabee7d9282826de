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
"""

from ddpm_clip.data.batch_order import batch_indices, batches, flip_mask
from ddpm_clip.data.csv_exchange.dataset import CLIPDataset
from ddpm_clip.data.csv_exchange.extraction import extract_clip_embeddings
from ddpm_clip.data.local.drawn_flowers import DrawnFlowers, write_folder
from ddpm_clip.data.pictures.crops import square
from ddpm_clip.data.pictures.images import BadImage, from_array, open_image, to_array
from ddpm_clip.data.pictures.pixels import BadFile, Pixels, load_pixels, scan, stream_pixels
from ddpm_clip.data.sources import SOURCES, open_source
from ddpm_clip.data.subset import Subset, digest, limit

__all__ = [
    "SOURCES",
    "BadFile",
    "BadImage",
    "CLIPDataset",
    "DrawnFlowers",
    "Pixels",
    "Subset",
    "batch_indices",
    "batches",
    "digest",
    "extract_clip_embeddings",
    "flip_mask",
    "from_array",
    "limit",
    "load_pixels",
    "open_image",
    "open_source",
    "scan",
    "square",
    "stream_pixels",
    "to_array",
    "write_folder",
]
