"""The configuration: its keys, their ranges, and where each value comes from.

- `distillation`: the section of few-call models: what a distillation is made with
- `legacy_keys`: config keys of the earlier projects, mapped to today's keys
- `limits`: ranges of numbers, and the error messages for values outside them
- `painting_options`: the options of painting that a config stores and a request may override
- `picture_size`: sizes of pictures and widths of layers, with their ranges
- `resolve`: merge defaults, preset, file, environment and flags into one `Config`
- `schema`: the whole configuration as frozen pydantic models: every key, its default and range
- `section`: what every section of the config has in common
"""

from ddpm_clip.moved import former_names

__getattr__ = former_names(__name__)
