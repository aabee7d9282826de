"""Which picture sizes a network can take, and the error that names the nearest ones."""

from ddpm_clip.errors import UsageError
from ddpm_clip.utils.resizing import Size


def check_multiple(size: Size, multiple: int, why: str, fix: str = "") -> Size:
    """Return a size whose height and width are multiples of a number.

    Args:
        size: the size of the pictures.
        multiple: what the network divides height and width by.
        why: why it does so.
        fix: another way out than another size.

    Raises:
        UsageError: a side is not a multiple; the message names the nearest sizes that are.
    """
    if all(side % multiple == 0 for side in size):
        return size
    below = Size(*(max(1, side // multiple) * multiple for side in size))
    above = Size(*(-(-side // multiple) * multiple for side in size))
    near = " or ".join(dict.fromkeys(f"data.image_size={one.plain}" for one in (below, above)))
    raise UsageError(
        f"data.image_size = {size.plain} does not fit this network",
        f"{why}, so both sides have to be multiples of {multiple}",
        f"choose {near}{fix and f', or {fix}'}",
        param="data.image_size",
    )
