"""The map: a model's pictures and words in a plane, and where a prompt falls.

- `advice`: whether the pictures cover a prompt, and what could be asked instead
- `thumbnails`: the training pictures of the map
- `view`: what the page draws: points of pictures and words, and places of a prompt
"""
