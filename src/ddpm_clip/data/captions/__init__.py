"""Captions written from the known facts about a picture.

- `digit_shapes`: measures stroke width, slant and extent of digits, and names them
- `digit_words`: caption grammar of handwritten digits
- `emoji_words`: caption grammar of emoji
- `flower_words`: caption grammar of the drawn flowers
- `grammars`: the registry of grammars: which one suits which facts
- `label_words`: caption grammar of any labelled pictures
- `unrelated_words`: filler words, real and invented
"""

from ddpm_clip.moved import former_names

__getattr__ = former_names(__name__)
