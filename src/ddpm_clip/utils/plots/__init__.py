"""Plots as PNG. The only folder that imports matplotlib, and only when it draws.

- `canvas`: makes an empty figure without a screen, and saves a figure as PNG
- `curves`: loss curves, line plots and bars
- `maps`: heat maps, and points with arrows in the plane
"""
