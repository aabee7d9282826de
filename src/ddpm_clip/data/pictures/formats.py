"""Which files are taken for pictures by their names, and how files of other types could be read.

Whether a file really is a picture shows only when it is decoded (`decoding`).
"""

from importlib.util import find_spec

from PIL import features

HEIF = (".heic", ".heif", ".hif")
"""Suffixes of a phone's photos, which the package pillow-heif (the extra `heif`) decodes."""

AVIF = (".avif",)
"""Suffix of what Pillow decodes itself if it was built with an AVIF decoder."""

ALWAYS = (".png", ".jpg", ".jpeg", ".jfif", ".webp", ".bmp", ".gif", ".tif", ".tiff")

KNOWN = ALWAYS + AVIF + HEIF
"""Suffixes of pictures that can be opened on some machine with this package."""

SUFFIXES = (
    *ALWAYS,
    *(AVIF if features.check("avif") else ()),
    *(HEIF if find_spec("pillow_heif") else ()),
)
"""Suffixes of the files that are opened as pictures on this machine, in lower case."""

_WAYS = {
    'pip install "ddpm-clip[heif]" reads them': HEIF,
    "pip install -U pillow reads them": AVIF,
    "export them as JPEG with a program for raw photos": (
        ".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf", ".pef", ".srw",
    ),
    "convert them to PNG, for example: magick mogrify -format png *.tga": (
        ".jxl", ".jp2", ".j2k", ".jpx", ".jpf", ".tga", ".ico", ".cur", ".icns", ".ppm", ".pgm",
        ".pbm", ".pnm", ".psd", ".xcf", ".svg", ".eps", ".exr", ".hdr", ".dds", ".pcx", ".qoi",
    ),
    "take pictures out of them, for example: ffmpeg -i clip.mp4 -vf fps=1 clip-%04d.png": (
        ".mp4", ".mov", ".m4v", ".avi", ".mkv", ".webm", ".wmv", ".mpg", ".mpeg", ".3gp", ".mts",
    ),
    "give them as a source of their own: zip:FOLDER": (".zip",),
    "give them as a source of their own: wds:FOLDER": (".tar", ".tgz", ".gz", ".bz2", ".xz"),
    "give them as a source of their own: npz:FILE": (".npz",),
    "unpack them": (".rar", ".7z"),
}  # fmt: skip

WAYS = {suffix[1:]: way for way, suffixes in _WAYS.items() for suffix in suffixes}
"""Type (a suffix without its dot) -> how such files can be used; types without a way are absent."""


def is_picture(name: str) -> bool:
    """Whether a file with this name is opened as a picture."""
    return name.lower().endswith(SUFFIXES)
