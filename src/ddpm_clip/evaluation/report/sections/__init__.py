"""The sections of an evaluation: from measurements to figures.

- `copies`: copies of training pictures, in features and in pixels
- `sets`: painted against real pictures as sets: distances, two-sample test, diversity
- `transfer`: a classifier trained on painted pictures and tested on real ones
- `words`: whether pictures show what the prompt says, by the judge and by another CLIP
- `zero_shot`: prompt success by a CLIP, of prompts suggested from the pictures
"""
