"""The kinds of jobs of the studio, beside those of every server.

- `checking`: `scan`: pictures to train on, looked through
- `edits`: `img2img`, `blend`, `interpolate`; `vary` and `inpaint` every server has
- `explaining`: `explain`: the analyses, each told as soon as it is made
- `keep_field`: keeps what a job painted in the gallery, if the request says so
- `nearest`: `nearest`: the training pictures that a picture is most like
- `origins`: what pictures were edited from
- `painting_again`: a picture painted again from what it records
- `points`: `paint`, also from a point of the map; `morph` along a path
- `reproducing`: `reproduce`: the same pixels again, or how many differ
- `tracing`: `trace`: how a picture came out of noise
"""

from ddpm_clip.server.kinds import JOB_KINDS
from ddpm_clip.server.service.kind import JobKind
from ddpm_clip.studio.gallery.history import History
from ddpm_clip.studio.kinds.checking import Checks
from ddpm_clip.studio.kinds.edits import BLEND, IMG2IMG, INTERPOLATE
from ddpm_clip.studio.kinds.explaining import EXPLAIN
from ddpm_clip.studio.kinds.keep_field import with_keep_field
from ddpm_clip.studio.kinds.nearest import Nearest
from ddpm_clip.studio.kinds.origins import Origins
from ddpm_clip.studio.kinds.points import MORPH, PAINT
from ddpm_clip.studio.kinds.reproducing import reproduce_kind
from ddpm_clip.studio.kinds.tracing import trace_kind
from ddpm_clip.studio.map.thumbnails import Thumbnails
from ddpm_clip.studio.sources.opening import Sources


def studio_kinds(history: History, sources: Sources, thumbnails: Thumbnails) -> dict[str, JobKind]:
    """Return every kind of job of a studio, by name.

    Args:
        history: Where pictures are kept that a request says to keep.
        sources: What can be trained on.
        thumbnails: The training pictures of models.
    """
    origins = Origins()
    edits = {"img2img": IMG2IMG, "blend": BLEND, "interpolate": INTERPOLATE, "morph": MORPH}
    painting = {**JOB_KINDS, "paint": PAINT, **edits}
    return {
        **{name: with_keep_field(kind, history, origins) for name, kind in painting.items()},
        "trace": trace_kind(origins),
        "reproduce": reproduce_kind(origins),
        "nearest": Nearest(thumbnails).kind(),
        "explain": EXPLAIN,
        "scan": Checks(sources).kind(),
    }
