"""The sections of an evaluation: from measurements to figures.

- `copies`: the section that looks for copies of training pictures, in features and in pixels
- `sets`: the sections that hold the painted pictures as a set against real ones
- `transfer`: the section that trains a reader on painted pictures and asks it about real ones
- `words`: the sections that ask whether pictures show what the words said: a judge, and another
  CLIP
"""
