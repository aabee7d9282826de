"""The kind `nearest`: the training pictures that a picture is most like, to the model's CLIP.

They tell what the model has learned from, and whether a picture is a copy.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from ddpm_clip.errors import DataError, MissingInput, UsageError
from ddpm_clip.server.kinds.edits import picture_of
from ddpm_clip.server.kinds.following import data_url
from ddpm_clip.server.service.events import Event
from ddpm_clip.server.service.fields import Identifier, JobRequest, Whole
from ddpm_clip.server.service.kind import Context, JobKind, Result
from ddpm_clip.studio.map.thumbnails import Thumbnails
from ddpm_clip.studio.unavailable import unavailable

if TYPE_CHECKING:
    from torch import Tensor

    from ddpm_clip.runs.pretrained import LoadedModel

MOST = 24


class NearestRequest(JobRequest):
    """Find the training pictures nearest to a picture."""

    picture: Annotated[str, Identifier("picture")] = Field(description="id of a picture")
    k: Annotated[int, Whole("k", MOST)] = Field(6, description="number of training pictures")


@dataclass(frozen=True, slots=True)
class Nearest:
    """The kind, with the training pictures of models."""

    thumbnails: Thumbnails

    def kind(self) -> JobKind:
        """Return the kind."""
        return JobKind(NearestRequest, self.nearest, self.checked)

    def checked(self, context: Context, request: NearestRequest) -> NearestRequest:
        """Return the request; raises a `MissingInput` if its picture is not there."""
        context.picture(request.picture)
        return request

    def nearest(self, context: Context, request: NearestRequest) -> Generator[Event, None, Result]:
        """Compare a picture with the model's bank."""
        yield from ()
        model = context.tti.model
        image = picture_of(context, request.picture).image
        try:
            e = model.embedder.embed_images([image]).detach().float().cpu()
            cosines, rows = nearest_rows(model, e, request.k)
        except (UsageError, DataError) as error:
            return unavailable(error)
        try:
            pictures = [
                {"row": row, "similarity": round(cosine, 4), "url": self._url(model, row)}
                for cosine, row in zip(cosines, rows, strict=True)
            ]
        except (DataError, MissingInput) as error:
            keys = model.conditioner.bank_keys
            return unavailable(error) | {"keys": [keys[row] for row in rows if keys]}
        return {"pictures": pictures, "of": len(model.conditioner.bank)}

    def _url(self, model: "LoadedModel", row: int) -> str:
        return data_url(self.thumbnails.picture(model, row))


def nearest_rows(model: "LoadedModel", e: "Tensor", k: int) -> tuple[list[float], list[int]]:
    """Return cosines and rows of the training pictures nearest to an embedding (1, e).

    Both are centred at the mean of the pictures, as conditions are.

    Raises:
        DataError: The model holds no embeddings of its training pictures.
    """
    from torch.nn import functional as F

    conditioner = model.conditioner
    if not len(conditioner.bank):
        raise DataError(
            f"{model.name} does not know its training pictures",
            "it was packed without its bank of embeddings",
            "open the run that it was packed from",
        )
    mean = 0.0 if conditioner.mode == "raw" else conditioner.mean_image
    bank = F.normalize(conditioner.bank.float() - mean, dim=1)
    query = F.normalize(F.normalize(e, dim=1) - mean, dim=1)
    cosines, rows = (query @ bank.T)[0].topk(min(k, len(bank)))
    return cosines.tolist(), rows.tolist()
