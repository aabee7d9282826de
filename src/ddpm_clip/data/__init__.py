"""Where pictures come from, what they are checked for, and in which order they are seen.

- `batch_order`: which picture comes when, and which is mirrored: pure functions of the seed and
  the step
- `cache/`: each picture is embedded once; its embedding is found again by key
- `captions/`: from facts about a picture to sentences
- `csv_exchange/`: embeddings for other programs, as CSV and npz
- `local/`: sources on this disk
- `pictures/`: from the bytes of strangers to safe pixels
- `remote/`: sources that stream: tar shards, URLs, data sets of the hub
- `sources`: from what a user types to a list of pictures: the registry of sources
- `storage/`: columns, scratch arrays and atomic files
- `subset`: some pictures of a source, and the digest of one picture of any source
"""

from ddpm_clip.data.batch_order import batch_indices, batches, flip_mask
from ddpm_clip.data.csv_exchange.dataset import CLIPDataset
from ddpm_clip.data.csv_exchange.extraction import extract_clip_embeddings
from ddpm_clip.data.local.drawn_flowers import DrawnFlowers, write_folder
from ddpm_clip.data.pictures.images import BadImage, from_array, open_image, square, to_array
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
