"""All analyses of one prompt, as a folder with one page.

- `animation`: a GIF of one picture being denoised, with its predictions and curves
- `files`: the results as JSON, and all files of a report in one folder
- `page`: one HTML page with all panels and the animation; its template is `page.html`
- `run_all`: run several analyses of one target
"""

from ddpm_clip.moved import former_names

__getattr__ = former_names(__name__)
