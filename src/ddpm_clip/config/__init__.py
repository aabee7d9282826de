"""What may be configured, and where each value comes from.

- `legacy_keys`: config keys of the earlier projects, and where their meaning lives now
- `limits`: how far a value may go, and the sentence for one that goes further
- `painting_options`: the options of painting that a config stores and a request may override
- `resolve`: from presets, files, environment and flags to one `Config`, later over earlier
- `schema`: the whole configuration as frozen pydantic models: every key, its default and its range
"""

from ddpm_clip.moved import former_names

__getattr__ = former_names(__name__)
