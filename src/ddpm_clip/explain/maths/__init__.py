"""Pure mathematics: attributions, frequencies, picture metrics.

- `anova`: what differs by seed, what by prompt, and what by both: a two-way layout with one value
  a cell
- `integrated_gradients`: integrated gradients: how much each coordinate of a vector adds to a
  value on the way to it
- `picture_metrics`: figures of single pictures: how sharp, edged, contrasty and colourful, and how
  near to another
- `ranks`: do two rows of numbers have the same order?
- `shapley`: Shapley values (Shapley 1953): what each of k players adds to what they reach together
- `spectrum`: frequencies of pictures: how much power lies at each, and how two pictures trade them
"""
