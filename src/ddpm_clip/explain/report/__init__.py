"""All analyses of one prompt, as a folder with one page.

- `animation`: one picture being denoised, as a GIF: what is seen, predicted, and added by the
  words
- `files`: findings as JSON, and all files of a report in one folder
- `page`: findings as one HTML page, with all panels and the animation; its template is `page.html`
- `run_all`: several analyses of one target, one after another, each with its verdict or its reason
  why not
"""

from ddpm_clip.moved import former_names

__getattr__ = former_names(__name__)
