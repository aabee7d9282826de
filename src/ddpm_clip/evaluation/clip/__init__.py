"""Figures of a CLIP: what it knows of pictures and words.

- `figures`: what a mini-CLIP knows of pictures that it never saw: captions, classes, and its two
  clouds
- `job`: a mini-CLIP from a source to a folder: decode, train, measure, save
- `similarity`: how near words and pictures lie to one embedder: a matrix of cosines, and a map in
  the plane
"""
