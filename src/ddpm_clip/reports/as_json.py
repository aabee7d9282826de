"""Values as JSON: NaN and infinity become null, floats have six significant digits."""

import json
import math
from collections.abc import Mapping
from typing import Any

from torch import Tensor


def rounded(value: float | None) -> float | None:
    """Round to six significant digits; None for NaN and infinity, which JSON cannot hold."""
    return None if value is None or not math.isfinite(value) else float(f"{value:.6g}")


def jsonable(value: Any) -> Any:
    """Convert tensors and tuples to lists and round floats (`rounded`), recursively.

    >>> jsonable({"a": (1, float("nan")), "b": 1 / 3})
    {'a': [1, None], 'b': 0.333333}
    """
    if isinstance(value, Tensor):
        return jsonable(value.tolist())
    if isinstance(value, Mapping):
        return {str(key): jsonable(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [jsonable(one) for one in value]
    return rounded(value) if isinstance(value, float) else value


def json_text(value: Mapping[str, Any]) -> str:
    """Return the text of a JSON file.

    Raises:
        ValueError: a number is NaN or infinite.
    """
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
