"""The panels of an analysis: data for pictures and plots, and how they are drawn.

- `drawing`: draw panels as pictures, or several as one sheet
- `kinds`: the kinds of panel: strips of pictures, curves, bars, heat maps and tables
"""

from ddpm_clip.moved import former_names

__getattr__ = former_names(__name__)
