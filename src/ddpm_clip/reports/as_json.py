"""Values as JSON: what is not finite is null, floats have six significant digits."""

import json
import math
from collections.abc import Mapping
from typing import Any

from torch import Tensor


def rounded(value: float | None) -> float | None:
    """Six significant digits; None for what JSON cannot say."""
    return None if value is None or not math.isfinite(value) else float(f"{value:.6g}")


def jsonable(value: Any) -> Any:
    """Tensors and tuples as lists, floats `rounded`, all the way down.

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
    """The text of a JSON file.

    Raises:
        ValueError: a number is not finite.
    """
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
