"""What may be asked in words: the one place where a prompt is judged.

Knows nothing of tokens, which each embedder counts for itself, and of models.
"""

import unicodedata
import warnings
from collections.abc import Sequence

from ddpm_clip.errors import UsageError

MAX_PROMPT = 4000
"""Characters; more than any embedder reads, so that a longer text is a mistake."""


def checked_prompts(prompts: str | Sequence[str]) -> list[str]:
    """The prompts as they will be used.

    Raises:
        UsageError: none, an empty one, a too long one, or one that is no text.
    """
    prompts = [prompts] if isinstance(prompts, str) else list(prompts)
    if not prompts:
        raise UsageError(
            "there is no prompt",
            "nothing says what to paint",
            "say what to paint, or use --unconditional",
            param="prompt",
        )
    return [checked_prompt(prompt) for prompt in prompts]


def checked_prompt(prompt: str, param: str = "prompt") -> str:
    """One prompt without control characters; warns where there were some.

    Raises:
        UsageError: it is empty, too long, or no text.
    """
    if not isinstance(prompt, str):
        raise UsageError(
            f"{param} = {repr(prompt)[:60]} is no text",
            "words are asked for",
            "give a text",
            param=param,
        )
    if any(unicodedata.category(character) == "Cs" for character in prompt):
        raise UsageError(
            f"the {param} holds half a character",
            "a lone surrogate is no text",
            "leave it out, or write the whole character",
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
            "no embedder reads so many",
            f"say it in {MAX_PROMPT}",
            param=param,
        )
    if clean != prompt:
        warnings.warn(f"control characters were taken out of the {param}", stacklevel=3)
    return clean


def check_recorded(prompt: str) -> None:
    """Check a prompt that a file records: valid, and with nothing left to remove.

    Raises:
        UsageError: It is invalid or holds control characters.
    """
    if any(unicodedata.category(c) == "Cc" and c not in "\n\t" for c in prompt):
        raise UsageError("a prompt holds control characters")
    checked_prompt(prompt)
