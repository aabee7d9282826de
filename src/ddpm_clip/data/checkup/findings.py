"""What a look through a source found: how much of it, which pictures, and what becomes of them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ddpm_clip.utils.resizing import Size

EXAMPLES = 5
"""Most pictures that are named for a finding in words; `--json` has all."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One kind of pictures that may harm a training.

    Attributes:
        kind: stable name for `--json`.
        number: how many pictures.
        what: what they are, after their number.
        becomes: what the training does with them, and what could be done.
        pictures: their keys; of a copy `key = first key`.
    """

    kind: str
    number: int
    what: str
    becomes: str
    pictures: Sequence[str]

    def as_dict(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        return asdict(self) | {"pictures": list(self.pictures)}

    def __str__(self) -> str:
        """Return number, kind, some examples, and what becomes of them, in one line."""
        some = ", ".join(self.pictures[:EXAMPLES])
        more = f" and {len(self.pictures) - EXAMPLES} more" if len(self.pictures) > EXAMPLES else ""
        return f"{self.number:,} {self.what}: {some}{more}. {self.becomes}"


def summary(findings: Sequence[Finding], pictures: int) -> str:
    """Return all findings in one line, "" if there are none."""
    if not findings:
        return ""
    found = ", ".join(f"{one.number:,} {one.what}" for one in findings)
    return f"of {pictures:,} pictures, {found}"


def exact_copies(pictures: Sequence[str]) -> Finding:
    """Pictures whose files equal an earlier one's."""
    becomes = (
        "They are learned as often as they are there, and one of a pair may be held out while the "
        "other is trained on; remove them unless that is meant."
    )
    return Finding("exact_duplicates", len(pictures), "exact duplicates", becomes, pictures)


def near_copies(pictures: Sequence[str]) -> Finding:
    """Pictures that look like an earlier one: scaled, recompressed, or the next shot."""
    becomes = "They count as different pictures; look at some, and remove what is superfluous."
    return Finding("near_duplicates", len(pictures), "likely near duplicates", becomes, pictures)


def tiny(pictures: Sequence[str], size: Size) -> Finding:
    """Pictures with fewer pixels than are trained on."""
    becomes = (
        "They are enlarged, and their blur is learned; remove them, or train at a smaller "
        "data.image_size."
    )
    return Finding("tiny", len(pictures), f"smaller than {size} pixels", becomes, pictures)


def extreme(pictures: Sequence[str], ratio: float, crop: str) -> Finding:
    """Pictures of which the crop leaves little."""
    becomes = (
        f"Their middle is trained on, less than 1/{ratio:g} of the picture; cut them into pieces, "
        "remove them, or squeeze whole pictures by data.crop=none."
        if crop == "centre"
        else f"They are squeezed more than {ratio:g} times; cut them into pieces, or remove them."
    )
    what = f"more than {ratio:g} times as long as wide"
    return Finding("extreme_shapes", len(pictures), what, becomes, pictures)


def mixed(pictures: Sequence[str], are_grey: bool, channels: int) -> Finding:
    """The rarer ones of grey and coloured pictures, where there are both."""
    rarer, others = ("grey", "coloured") if are_grey else ("coloured", "grey")
    becomes = (
        "The model learns both kinds, and paints both; data.channels=1 makes all of them grey."
        if channels == 3
        else "All are trained on as grey pictures; data.channels=3 keeps their colours."
    )
    what = f"{rarer} among {others} ones"
    return Finding("mixed_colours", len(pictures), what, becomes, pictures)


def texts(pictures: Sequence[str]) -> Finding:
    """Pictures that are likely screenshots or scans of text."""
    becomes = "A model this small paints no legible letters; remove them unless they are meant."
    return Finding("text", len(pictures), "likely screenshots of text", becomes, pictures)
