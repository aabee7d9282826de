"""The kinds of jobs that every server has.

- `edits`: `vary` and `inpaint`: pictures from pictures; `sample`: pictures without words
- `following`: follows painting step by step: previews on the way, then the kept pictures
- `paint`: pictures from words; requests with the same settings are painted in one batch
"""

from ddpm_clip.registry import Registry
from ddpm_clip.server.kinds.edits import INPAINT, SAMPLE, VARY
from ddpm_clip.server.kinds.paint import PAINT
from ddpm_clip.server.service.kind import JobKind

JOB_KINDS: Registry[JobKind] = Registry(
    "job kind", {"paint": PAINT, "vary": VARY, "sample": SAMPLE, "inpaint": INPAINT}
)
"""Every kind, by the name that a request gives; `studio` serves more."""
