"""From facts about a picture to sentences.

- `digit_shapes`: what can be measured in a picture of a digit: stroke width, slant, extent; and
  names for it
- `digit_words`: caption grammar of handwritten digits: words, numerals, how they are written, and
  sentences
- `emoji_words`: caption grammar of emoji: the name, in a plain sentence or beside some of the
  keywords
- `flower_words`: the grammar of the drawn flowers' captions: facts in, a sentence and what it
  states out
- `grammars`: which caption grammar speaks about which facts, and what it can measure itself
- `label_words`: caption grammar of any labelled pictures: the class name in a plain sentence
- `unrelated_words`: words that mean nothing here: common ones, and ones that nobody has ever heard
"""

from ddpm_clip.moved import former_names

__getattr__ = former_names(__name__)
