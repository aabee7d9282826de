"""Validate prompts; the only place where this is done.

Knows nothing of tokens: each embedder counts its own and warns where it cuts a text.
"""

import unicodedata
import warnings
from collections.abc import Iterable, Sequence

from ddpm_clip.config.limits import MAX_PROMPT
from ddpm_clip.errors import DdpmClipWarning, UsageError


def checked_prompts(prompts: str | Sequence[str]) -> list[str]:
    """Return the prompts as they will be used, without control characters.

    Raises:
        UsageError: There is no prompt, or one is empty, too long or not a string.
    """
    prompts = texts_only(prompts)
    if not prompts:
        raise UsageError(
            "there is no prompt",
            "nothing says what to paint",
            "say what to paint, or use --unconditional",
            param="prompt",
        )
    return [checked_prompt(prompt) for prompt in prompts]


def texts_only(texts: str | Sequence[str], param: str = "prompt") -> list[str]:
    """Return one text or several as a list.

    Raises:
        UsageError: One is not a string.
    """
    several = isinstance(texts, Iterable) and not isinstance(texts, str | bytes)
    found: list[str] = list(texts) if several else [texts]  # type: ignore[list-item]
    for text in found:
        if not isinstance(text, str):
            raise UsageError(
                f"{param} = {repr(text)[:60]} is not a string",
                "a prompt is text",
                "pass a string",
                param=param,
            )
    return found


def checked_prompt(prompt: str, param: str = "prompt") -> str:
    """Return a prompt without control characters; warn if there were any.

    Raises:
        UsageError: It is empty, too long or not a string.
    """
    (prompt,) = texts_only([prompt], param)
    if any(unicodedata.category(character) == "Cs" for character in prompt):
        raise UsageError(
            f"the {param} holds half a character",
            "a lone surrogate is not valid text",
            "remove it, or write the whole character",
            param=param,
        )
    clean = "".join(c for c in prompt if c in "\n\t" or unicodedata.category(c) != "Cc")
    if not clean.strip():
        raise UsageError(
            f"the {param} is empty",
            "nothing says what to paint",
            "say what to paint, or use --unconditional",
            param=param,
        )
    if len(clean) > MAX_PROMPT:
        raise UsageError(
            f"the {param} has {len(clean)} characters",
            "no embedder reads that many",
            f"shorten it to {MAX_PROMPT} characters",
            param=param,
        )
    if clean != prompt:
        warnings.warn(
            f"control characters were removed from the {param}", DdpmClipWarning, stacklevel=3
        )
    return clean


def check_recorded(prompt: str) -> None:
    """Check a prompt that a file records: valid, and with nothing left to remove.

    Raises:
        UsageError: It is invalid or holds control characters.
    """
    if any(unicodedata.category(c) == "Cc" and c not in "\n\t" for c in prompt):
        raise UsageError("a prompt contains control characters")
    checked_prompt(prompt)
