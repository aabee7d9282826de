"""From the bytes of strangers to safe pixels.

- `decoding`: from bytes nobody vouches for to an upright 8-bit picture, or to a named reason why
  not
- `images`: pictures from files nobody vouches for, and what becomes of them: squares, arrays,
  digests
- `pixels`: one pass over a source: every picture decoded, the good in an array, the bad in a list
- `png_texts`: the texts in a PNG, and the parameters among them, without decoding a pixel
- `prefetch`: work done a little ahead, in threads, by order: what pictures need before an encoder
  sees them
- `quiet`: no warnings from a picture's decoder, in this thread only
- `sandbox`: decoding in child processes of small means: what a picture can do to a codec ends with
  the child
"""
