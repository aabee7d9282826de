"""Forms with pictures and masks.

A form is read whole, within a limit, before it is taken apart. Pictures are decoded in a child
process; the names of files are not looked at.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from fastapi import Request
from PIL import Image, ImageChops
from starlette.datastructures import FormData, Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from ddpm_clip.errors import UsageError
from ddpm_clip.registry import unknown_name
from ddpm_clip.server.http.pictures import decoded

FORM = "multipart/form-data"
MOST_FIELDS = 64
FILES = ("image", "mask")
WHOLE = ("n", "seed", "steps", "num_inference_steps", "rounds", "partial_images")
NUMBERS = frozenset((*WHOLE, "output_compression", "guidance_scale", "w", "strength"))
"""Fields of a form that are numbers; a form has only texts."""

SWITCHES = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Form:
    """A form, taken apart.

    Attributes:
        fields: What is no file, with numbers as numbers.
        files: The content of the files by field.
    """

    fields: dict[str, Any] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)

    def picture(self, name: str) -> bytes:
        """Return the file in a field.

        Raises:
            UsageError: There is none.
        """
        if name not in self.files:
            raise UsageError(
                f"{name} is missing",
                "the request needs a picture",
                f"send a file in the field {name}",
                param=name,
            )
        return self.files[name]


async def form_of(request: Request, body: bytes) -> Form:
    """Take a form apart.

    Raises:
        UsageError: It is damaged, or a field is given twice.
    """
    headers = Headers({"content-type": request.headers["content-type"]})
    parser = MultiPartParser(
        headers, _whole(body), max_files=4, max_fields=MOST_FIELDS, max_part_size=2**20
    )
    try:
        data = await parser.parse()
    except (MultiPartException, ValueError, KeyError) as error:
        why = getattr(error, "message", "it cannot be read")
        raise UsageError("the form is damaged", why, "send multipart/form-data") from None
    async with AsyncExitStack() as stack:
        stack.push_async_callback(data.close)
        return await _taken_apart(data)


async def _taken_apart(data: FormData) -> Form:
    """Read the files of a form; a name with [] is that of a list, and one is taken.

    Raises:
        UsageError: A field is given twice, or a file is in an unknown one.
    """
    form = Form()
    for name, value in data.multi_items():
        name, is_file = name.removesuffix("[]"), isinstance(value, UploadFile)
        if is_file and name not in FILES:
            raise unknown_name("file", name, dict.fromkeys(FILES))
        kept: dict[str, Any] = form.files if is_file else form.fields
        if name in kept:
            raise UsageError(
                f"{name[:60]} is given twice", "one is taken", "send it once", param=name[:60]
            )
        kept[name] = await value.read() if isinstance(value, UploadFile) else typed(name, value)
    return form


async def _whole(body: bytes) -> AsyncGenerator[bytes, None]:
    yield body


def typed(name: str, text: str) -> Any:
    """Return the text of a form as JSON would have it; what is no number stays text.

    >>> typed("n", "2"), typed("w", "1.5"), typed("n", "two"), typed("prompt", "2")
    (2, 1.5, 'two', '2')
    """
    if name in ("stream", "unconditional"):
        return SWITCHES.get(text, text)
    for kind in (int, float) if name in NUMBERS and len(text) < 100 else ():
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def mask_of(files: Mapping[str, bytes]) -> Image.Image:
    """Return the mask of an edit, white where to paint.

    In this API the transparent part of the mask is painted, or that of the picture itself. A mask
    without any transparency is taken as ours are: white is painted.

    Raises:
        BadImage: It cannot be used as a picture.
        UsageError: There is no mask, and the picture has no transparent part.
    """
    name = "mask" if "mask" in files else "image"
    on_white = decoded(files[name], name, "white").convert("L")
    on_black = decoded(files[name], name, "black").convert("L")
    clear = ImageChops.subtract(on_white, on_black)  # 255 where transparent, 0 where opaque
    if clear.getextrema() != (0, 0):
        return clear
    if name == "image":
        raise UsageError(
            "there is no mask",
            "no part of the picture is transparent",
            "send a mask as large as the picture, transparent where to paint",
            param="mask",
        )
    return on_white
