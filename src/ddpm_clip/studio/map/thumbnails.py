"""Training pictures for the map, found by their keys in their source.

A packed model has the embeddings of its pictures, but not the pictures: they are shown where their
source is on this machine.
"""

from threading import Lock
from typing import TYPE_CHECKING

from ddpm_clip.errors import DataError, DdpmClipError, MissingInput

if TYPE_CHECKING:
    from ddpm_clip.coverage.showing import TrainingPictures
    from ddpm_clip.runs.pretrained import LoadedModel

    Answer = TrainingPictures | DdpmClipError


class Thumbnails:
    """The training pictures of all models; each source is opened once."""

    def __init__(self) -> None:
        self._opened: dict[str, Answer] = {}
        self._lock = Lock()

    def known(self, model: "LoadedModel") -> bool:
        """Whether the training pictures of a model can be shown."""
        try:
            with self._lock:
                self._pictures(model)
        except DdpmClipError:
            return False
        return bool(model.conditioner.bank_keys)

    def picture(self, model: "LoadedModel", row: int) -> bytes:
        """Return the training picture in a row of the model's bank, as a PNG.

        Raises:
            MissingInput: There is no such row, or the pictures are not on this machine.
            DataError: These are not the pictures that the model was trained on.
        """
        from ddpm_clip.utils.visualization import encoded_png

        keys = model.conditioner.bank_keys
        if not 0 <= row < len(keys):
            raise MissingInput(
                "there is no such picture",
                f"{len(keys)} training pictures are known by name",
                "reload the map",
                param="row",
            )
        with self._lock:
            return encoded_png(self._pictures(model)[keys[row]])

    def _pictures(self, model: "LoadedModel") -> "TrainingPictures":
        """Return the pictures of a model, opened on first use; the lock is held."""
        if model.fingerprint not in self._opened:
            self._opened[model.fingerprint] = _opened(model)
        found = self._opened[model.fingerprint]
        if isinstance(found, DdpmClipError):
            raise found
        return found


def _opened(model: "LoadedModel") -> "Answer":
    from ddpm_clip.coverage.showing import TrainingPictures

    try:
        return TrainingPictures(model.config.data)
    except (DataError, MissingInput) as error:
        told = MissingInput(
            "the training pictures cannot be shown",
            f"those of {model.name} are not on this machine, or cannot be read one by one",
            "open the run where its pictures are",
        )
        told.__cause__ = error
        return told
