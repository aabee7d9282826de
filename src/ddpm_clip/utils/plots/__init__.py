"""Plots as PNG. The only folder that imports matplotlib, and only when it draws.

- `canvas`: an empty figure that needs no screen, and a figure as a PNG file
- `curves`: curves and bars as PNG
- `maps`: plots in the plane: a matrix as colours, points and arrows
"""
