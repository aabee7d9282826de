"""Where pictures come from: sources, decoding, the pixel array, and which picture comes when."""

from ddpm_clip.data.dataset import CLIPDataset
from ddpm_clip.data.drawn_flowers import DrawnFlowers, write_folder
from ddpm_clip.data.extraction import extract_clip_embeddings
from ddpm_clip.data.images import BadImage, from_array, open_image, square, to_array
from ddpm_clip.data.loader import batch_indices, batches, flip_mask
from ddpm_clip.data.pixels import BadFile, Pixels, load_pixels, scan, stream_pixels
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
