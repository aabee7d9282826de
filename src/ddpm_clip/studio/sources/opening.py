"""A source of pictures by its id, whether it is below a root or was uploaded."""

from ddpm_clip.errors import MissingInput
from ddpm_clip.studio.sources.roots import Listed, Roots
from ddpm_clip.studio.sources.uploads import Uploads


class Sources:
    """Everything that can be trained on.

    Args:
        roots: Folders that the studio was started with.
        uploads: What was uploaded.
    """

    def __init__(self, roots: Roots, uploads: Uploads):
        self.roots, self.uploads = roots, uploads

    def listed(self) -> list[Listed]:
        """Return all of them, uploads first."""
        return [*self.uploads.listed(), *self.roots.listed()]

    def place(self, id: str) -> str:
        """Return what `ddpm-clip train` would be given for a source.

        Raises:
            MissingInput: There is no such source, or its pictures have gone.
        """
        place = self.uploads.place(id) or self.roots.place(id)
        if place is None:
            raise MissingInput(
                "there is no such source of pictures",
                "the studio was started anew, or the folder was deleted",
                "reload the page",
                param="source",
            )
        return place

    def name(self, id: str) -> str:
        """Return what a source is called; its id if it has gone."""
        return next((one.name for one in self.listed() if one.id == id), id)
