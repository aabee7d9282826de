"""What a studio has beside the server: gallery, map, pictures to train on, trainings.

HOME/gallery/   painted pictures that were kept
HOME/uploads/   uploaded pictures
HOME/runs/      trainings
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ddpm_clip.errors import MissingInput
from ddpm_clip.server.service.kind import JobKind
from ddpm_clip.server.service.pictures import StoredPicture
from ddpm_clip.studio.gallery.entry import png_size
from ddpm_clip.studio.gallery.history import History
from ddpm_clip.studio.kinds import studio_kinds
from ddpm_clip.studio.map.thumbnails import Thumbnails
from ddpm_clip.studio.sources.opening import Sources
from ddpm_clip.studio.sources.roots import Roots
from ddpm_clip.studio.sources.uploads import Uploads
from ddpm_clip.studio.training.trainings import Trainings

if TYPE_CHECKING:
    from fastapi import Request


@dataclass(frozen=True, slots=True)
class Studio:
    """The parts of a studio.

    Attributes:
        history: Painted pictures that were kept.
        sources: Pictures to train on.
        trainings: Trainings.
        thumbnails: Training pictures of models.
    """

    history: History
    sources: Sources
    trainings: Trainings
    thumbnails: Thumbnails = field(default_factory=Thumbnails)

    @classmethod
    def opened(cls, home: Path, data: Sequence[str | Path] = ()) -> "Studio":
        """Open a studio, made if it does not exist.

        Args:
            home: Its folder.
            data: Folders with pictures to train on.

        Raises:
            MissingInput: A folder of `data` does not exist, or is a file.
        """
        sources = Sources(Roots(data), Uploads(home / "uploads"))
        return cls(History(home / "gallery"), sources, Trainings(home / "runs"))

    def stored(self, id: str, owner: str) -> StoredPicture | None:
        """Return a picture of the gallery as the server's store would; None if it is not there.

        So every job takes pictures of the gallery. It belongs to all who may use the studio.
        """
        try:
            entry, png = self.history.entry(id), self.history.png(id)
        except MissingInput:
            return None
        width, height = png_size(png)
        return StoredPicture(id, png, width, height, owner, dict(entry.parameters))

    @property
    def kinds(self) -> dict[str, JobKind]:
        """Every kind of job, for the service."""
        return studio_kinds(self.history, self.sources, self.thumbnails)


def studio_of(request: "Request") -> Studio:
    """Return the studio of the application."""
    studio: Studio = request.app.state.studio
    return studio
