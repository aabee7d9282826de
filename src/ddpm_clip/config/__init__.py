"""What may be configured, and where each value comes from.

- `legacy_keys`: config keys of the earlier projects, and where their meaning lives now
- `limits`: how far a value may go, and the sentence for one that goes further
- `painting_options`: how to paint: the options that a config keeps and that a request may change
- `resolve`: from presets, files, environment and flags to one `Config`, later over earlier
- `schema`: the whole configuration as frozen pydantic models: every key, its default and its range
"""
