"""The sheet that shows whether painted pictures are copies.

Each column is a painted picture above its nearest training and its nearest held-out picture.
"""

from PIL import Image
from torch import Tensor

from ddpm_clip.errors import UsageError
from ddpm_clip.evaluation.metrics.features import as_float
from ddpm_clip.evaluation.metrics.memorisation import Audit
from ddpm_clip.utils.tensors import to_picture
from ddpm_clip.utils.visualization import grid

ROWS = ("painted", "nearest trained on", "nearest held out")


def nearest_sheet(
    painted: Tensor, train: Tensor, heldout: Tensor, audit: Audit, n: int = 12
) -> Image.Image:
    """Return the n most suspicious painted pictures, each with its neighbours.

    The number above each is its distance to the training picture divided by that to the held-out
    picture: 0 for a copy; by chance about 1 if both sets are equally large, and smaller the more
    the training pictures outnumber the held-out ones.

    Args:
        painted: pictures (n, c, h, w), uint8 or in [-1, 1], in the order of the audit.
        train: training pictures in the same form.
        heldout: held-out pictures in the same form.
        audit: the nearest neighbours.
        n: largest number of columns.

    Raises:
        UsageError: the pictures are not those of the audit, or n < 1.
    """
    if len(painted) != audit.n or len(heldout) != audit.heldout_n or n < 1:
        raise UsageError(
            f"a sheet of {n} of {len(painted)} painted pictures and {len(heldout)} held out",
            f"the audit saw {audit.n} and {audit.heldout_n}",
        )
    shown = audit.suspects(n)
    chosen = (painted[shown], train[audit.train_rows[shown]], heldout[audit.heldout_rows[shown]])
    rows = [[to_picture(one) for one in as_float(pictures)] for pictures in chosen]
    return grid(rows, row_names=ROWS, column_names=[_name(audit, i) for i in shown])


def _name(audit: Audit, i: int) -> str:
    near, beside = audit.train_distances[i].item(), audit.heldout_distances[i].item()
    return f"{near / beside:.2f}" if beside else "= held out"
