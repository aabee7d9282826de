"""Types of request fields: ranges and messages are the library's, as on the command line.

A field of such a type refuses the same values in the same words as `config/limits.py`. Its JSON
schema states the range.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import core_schema

from ddpm_clip.config.limits import (
    MAX_PROMPT,
    MAX_SEED,
    NUMBERS,
    WHOLE,
    checked_whole,
    shortened,
    within,
)
from ddpm_clip.errors import UsageError
from ddpm_clip.registry import unknown_name

IDENTIFIER = "[0-9a-f]{32}"
"""Names of jobs and pictures: 128 random bits."""


class JobRequest(BaseModel):
    """The fields of a request: strict types, and unknown names are refused."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class CheckedField(ABC):
    """Metadata of a field that the library checks; subclasses say how."""

    @abstractmethod
    def check(self, value: Any) -> Any:
        """Return the value, or raise a `UsageError`."""

    @abstractmethod
    def schema(self) -> dict[str, Any]:
        """Return the JSON schema."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> core_schema.CoreSchema:
        """Check in place of pydantic, which calls this."""
        return core_schema.no_info_plain_validator_function(self.check)

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        """Describe the field; pydantic calls this."""
        return self.schema()


@dataclass(frozen=True, slots=True)
class Whole(CheckedField):
    """A whole number with a range in `WHOLE`, perhaps with a lower upper end."""

    name: str
    most: int | None = None

    def check(self, value: Any) -> int:
        """Return the number."""
        return checked_whole(self.name, value, most=self.most)

    def schema(self) -> dict[str, Any]:
        """Return the range."""
        low, high, _ = WHOLE[self.name]
        return {"type": "integer", "minimum": low, "maximum": self.most or high}


@dataclass(frozen=True, slots=True)
class Number(CheckedField):
    """One finite number with a range in `NUMBERS`."""

    name: str

    def check(self, value: Any) -> float:
        """Return the number; a list of several, which commands take, is refused."""
        if isinstance(value, list):
            raise UsageError(
                f"{self.name} = {shortened(value)} is not a number",
                "a request has one",
                "give a number, such as 1",
                param=self.name,
            )
        return within(self.name, value)[0]

    def schema(self) -> dict[str, Any]:
        """Return the range."""
        low, high, _ = NUMBERS[self.name]
        return {"type": "number", "minimum": low, "maximum": high}


@dataclass(frozen=True, slots=True)
class Text(CheckedField):
    """A prompt.

    Attributes:
        name: Of the field, for errors.
        later: Check only that it is a string; a job that gets it checks the rest.
    """

    name: str = "prompt"
    later: bool = False

    def check(self, value: Any) -> str:
        """Return it, without control characters."""
        from ddpm_clip.embedders.prompts import checked_prompt, texts_only  # load torch

        return texts_only([value], self.name)[0] if self.later else checked_prompt(value, self.name)

    def schema(self) -> dict[str, Any]:
        """Return its length."""
        return {"type": "string", "minLength": 1, "maxLength": MAX_PROMPT}


@dataclass(frozen=True, slots=True)
class SeedField(CheckedField):
    """A random seed; -1 and null choose one."""

    def check(self, value: Any) -> int:
        """Return the seed, or -1."""
        is_random = value is None or (type(value) is int and value == -1)
        return -1 if is_random else checked_whole("seed", value)

    def schema(self) -> dict[str, Any]:
        """Return the range."""
        return {"type": ["integer", "null"], "minimum": -1, "maximum": MAX_SEED}


@dataclass(frozen=True, slots=True)
class Identifier(CheckedField):
    """The random name of a job or picture."""

    name: str

    def check(self, value: Any) -> str:
        """Return the id."""
        return checked_id(value, self.name)

    def schema(self) -> dict[str, Any]:
        """Return the form."""
        return {"type": "string", "pattern": f"^{IDENTIFIER}$"}


Seed = Annotated[int, SeedField()]
Prompt = Annotated[str, Text()]


def checked_id(value: Any, what: str) -> str:
    """Return the random name of a job or picture.

    Raises:
        UsageError: It is no such name.
    """
    if not isinstance(value, str) or not re.fullmatch(IDENTIFIER, value):
        raise UsageError(
            f"{what} = {shortened(value)} is not an id",
            "an id has 32 hexadecimal digits",
            "use the id as the server returned it",
            param=what,
        )
    return value


def validated(kind: type[JobRequest], fields: Mapping[str, Any]) -> Any:
    """Return the request with these fields.

    Raises:
        UsageError: A field is unknown, missing, or has another type or range.
    """
    try:
        return kind.model_validate(dict(fields))
    except ValidationError as error:
        raise refusal(error, kind) from None


def refusal(error: ValidationError, kind: type[BaseModel]) -> UsageError:
    """Return the first fault of a request, in the form of all errors here."""
    fault = error.errors(include_url=False)[0]
    told = fault.get("ctx", {}).get("error")
    if isinstance(told, UsageError):
        return told
    place = [str(one)[:60] for one in fault["loc"]]
    name = ".".join(place) or "request"
    if fault["type"] == "extra_forbidden":
        return _unknown(place, kind)
    if fault["type"] == "missing":
        return UsageError(f"{name} is missing", "the request needs it", f"add {name}", param=name)
    given = shortened(fault.get("input"))
    return UsageError(f"{name} = {given} is not valid", fault["msg"], "change it", param=name)


def _unknown(place: list[str], kind: type[BaseModel]) -> UsageError:
    """Return the error of an unknown field, which names the one that may have been meant."""
    known = dict.fromkeys(kind.model_fields) if len(place) == 1 else {}
    error = unknown_name("field", place[-1], known)
    error.param = ".".join(place)
    return error
