"""What an analysis shows: data for pictures and plots, and their drawing.

- `drawing`: panels as pictures, and several of them as one sheet
- `kinds`: what an analysis shows, as data: strips of pictures, curves, bars, heat maps and tables
"""

from ddpm_clip.moved import former_names

__getattr__ = former_names(__name__)
