"""Which words, and which parts of the condition, matter?

- `bottleneck`: directions at the lowest level of the network: what the words write there, and what
  that does
- `class_readout`: a linear reading of one class: what the judge sees, as a function that has a
  slope everywhere
- `condition_parts`: what a condition is made of: the average picture, the gap, directions of
  classes, and the rest
- `embedding`: what in the condition makes the picture: integrated gradients from the average
  picture to it
- `lowest_level`: listening at the lowest level of a network, and leaning on it, from outside
- `path`: integrated gradients of a picture along the way of its condition, and their deletion test
- `prompt_game`: games whose players are pieces of a prompt: every coalition is a text, and is
  painted
- `words`: which words of the prompt count, and which characters of the word that counts most
"""
