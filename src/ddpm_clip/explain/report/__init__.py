"""All analyses of one prompt, as a folder with one page.

- `animation`: one picture on its way, as a GIF: what is seen, foreseen, called noise and added by
  the words
- `files`: findings as files in one folder, each written whole or not at all
- `page`: findings as one HTML page that needs nothing else: pictures inside, no request anywhere
- `run_all`: several analyses of one target, one after another, each with its verdict or its reason
  why not
"""

from ddpm_clip.moved import former_names

__getattr__ = former_names(__name__)
