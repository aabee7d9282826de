"""What every section of the config has in common: it is frozen and refuses unknown keys."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from ddpm_clip.config.painting_options import Option


class ConfigSection(BaseModel):
    """A section of the config: frozen, and unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        """Take the description of a painting option from its declaration."""
        for field in cls.model_fields.values():
            for option in field.metadata:
                if isinstance(option, Option):
                    field.description = option.description
