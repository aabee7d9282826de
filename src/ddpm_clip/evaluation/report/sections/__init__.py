"""The sections of an evaluation: from measurements to figures.

- `copies`: the part that looks for copies of training pictures, in features and in pixels
- `figures`: what an evaluation is made of: figures, parts of figures, and parts that could not be
  measured
- `sets`: the parts that hold the painted pictures as a set against real ones
- `transfer`: the part that trains a reader on painted pictures and asks it about real ones
- `words`: the parts that ask whether pictures show what the words said: a judge, and another CLIP
"""
