"""Follows painting step by step: previews on the way, then the kept pictures.

Every kind that paints uses `followed`, so that all of them show previews, warn and store alike.
"""

import base64
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from ddpm_clip.server.service.events import Event, step, warning
from ddpm_clip.server.service.kind import Context, Result
from ddpm_clip.server.service.warned import collected_warnings

if TYPE_CHECKING:
    from torch import Tensor

    from ddpm_clip.generation.request import Painted
    from ddpm_clip.generation.settings import Settings
    from ddpm_clip.generation.text_to_image import TextToImage
    from ddpm_clip.types import Progress, Step

    Work = Generator[Progress, None, list[Painted]]


class NewestStep:
    """Keeps the newest sampling step of a painter, for previews.

    Attributes:
        x_0: (b, c, h, w) in [-1, 1], the clean pictures that it predicts; None before the first.
    """

    def __init__(self) -> None:
        self.x_0: Tensor | None = None

    def watch(self, steps: "Iterable[Step]") -> "Iterator[Step]":
        """Pass the steps on; for `TextToImage.watched_by`."""
        for one in steps:
            self.x_0 = one.pred.x_0
            yield one

    def previews(self, pictures: slice = slice(None)) -> list[str]:
        """Return the predicted clean pictures as data URLs of PNGs."""
        if self.x_0 is None:
            return []
        from ddpm_clip.utils.tensors import to_picture
        from ddpm_clip.utils.visualization import encoded_png

        return [data_url(encoded_png(to_picture(x))) for x in self.x_0[pictures]]


def data_url(png: bytes) -> str:
    """Return a PNG as a data URL."""
    return f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"


def is_due(number: int, of: int, preview: int) -> bool:
    """Whether a step shows previews: every `preview`-th and the last; 0 is never."""
    return preview > 0 and (number % preview == 0 or number == of)


def followed(
    context: Context,
    work_of: "Callable[[TextToImage], Work]",
    settings: "Settings",
    preview: int = 0,
) -> Generator[Event, None, Result]:
    """Paint, tell of each step, and keep the pictures.

    Args:
        context: The model and the store of pictures.
        work_of: Makes the work from the painter whose steps are seen, such as
            `lambda tti: vary(tti, picture, settings)`.
        settings: What it paints with; recorded in the pictures.
        preview: Show previews of every so many steps; 0 shows none.

    Returns:
        The pictures as `Context.keep` describes them, and the seconds that painting took.
    """
    newest, began = NewestStep(), time.monotonic()
    work = work_of(context.tti.watched_by(newest.watch))
    while True:
        with collected_warnings() as messages:
            try:
                progress = next(work)
            except StopIteration as end:
                painted: Sequence[Painted] = end.value
                break
        yield from map(warning, messages)
        shown = is_due(progress.done, progress.total, preview)
        yield step(progress.done, progress.total, newest.previews() if shown else ())
    seconds = round(time.monotonic() - began, 4)
    return {"pictures": context.keep(painted, settings), "seconds": seconds}
