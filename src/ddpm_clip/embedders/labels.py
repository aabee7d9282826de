"""One-hot embeddings of class names, so that class-conditional models need no CLIP.

With every condition masked, the same model is unconditional. Knows nothing of pixels: an embedding
depends on the label of a picture alone.
"""

import difflib
import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

import torch
from torch import Tensor

from ddpm_clip.errors import DataError, UsageError
from ddpm_clip.types import Item

if TYPE_CHECKING:
    from PIL.Image import Image


class Labels:
    """An embedder (`ddpm_clip.types.Embedder`) of class names only.

    >>> Labels(["cat", "dog", "cow"]).embed_texts(["Dog "])
    tensor([[0., 1., 0.]])

    Args:
        classes: Class names, which must differ in more than case and surrounding spaces.

    Raises:
        UsageError: There is no class, an empty name, or the same name twice.
    """

    def __init__(self, classes: Sequence[str]):
        self.classes = tuple(classes)
        self._rows = {_plain(name): row for row, name in enumerate(self.classes)}
        if not self.classes or "" in self._rows:
            raise UsageError(
                "the labels embedder needs class names",
                f"it got {list(classes)}",
                "sort the pictures into one folder per class",
            )
        if len(self._rows) < len(self.classes):
            raise UsageError(
                "two classes have the same name",
                "case and surrounding spaces are ignored",
                f"rename one of: {', '.join(sorted(self.classes))}",
            )
        self.name, self.dim = "labels", max(2, len(self.classes))
        names = "\0".join(map(_plain, self.classes))
        self.fingerprint = hashlib.sha256(names.encode("utf-8", "surrogateescape")).hexdigest()[:16]

    def embed_items(self, items: Sequence[Item]) -> Tensor:
        """Return the one-hot vectors (b, dim) of the items' labels.

        Raises:
            DataError: An item has no label.
        """
        bare = [item.key for item in items if item.label is None]
        if bare:
            raise DataError(
                f"{len(bare)} pictures have no label, the first is {bare[0]}",
                "the labels embedder embeds classes, not pictures",
                "sort the pictures into one folder per class, or use another embedder.name",
            )
        return self.embed_texts([item.label for item in items if item.label is not None])

    def embed_texts(self, texts: Sequence[str]) -> Tensor:
        """Return the one-hot vectors (p, dim) of class names.

        Raises:
            UsageError: A text is not a class name; the message suggests the nearest one.
        """
        rows = [self._row(text) for text in texts]
        return torch.eye(self.dim)[torch.tensor(rows, dtype=torch.long)]

    def embed_images(self, images: "Sequence[Image]") -> Tensor:
        """Raise an error: there is no image encoder.

        Raises:
            UsageError: Always.
        """
        self._refuse()

    def embed_pixels(self, x: Tensor) -> Tensor:
        """Raise an error: there is no image encoder.

        Raises:
            UsageError: Always.
        """
        self._refuse()

    def prompt_bank(self) -> list[str]:
        """Return the class names, which are the only valid prompts."""
        return list(self.classes)

    def _row(self, text: str) -> int:
        row = self._rows.get(_plain(text))
        if row is not None:
            return row
        near = difflib.get_close_matches(_plain(text), self._rows, n=1, cutoff=0.4)
        fix = (
            f"did you mean {self.classes[self._rows[near[0]]]!r}?"
            if near
            else "use one of these as the prompt"
        )
        known = ", ".join(self.classes[:20]) + (", …" if len(self.classes) > 20 else "")
        raise UsageError(f"{text!r} is not a class of this model", f"choose from: {known}", fix)

    def _refuse(self) -> NoReturn:
        raise UsageError(
            "the labels embedder cannot embed pictures",
            "it turns class names into one-hot vectors",
            "train with embedder.name=mini_clip or transformers_clip",
        )


def _plain(name: str) -> str:
    return name.strip().casefold()
