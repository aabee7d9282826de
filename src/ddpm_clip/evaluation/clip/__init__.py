"""Trains and measures a mini-CLIP, and shows the similarity of words and pictures.

- `figures`: held-out figures of a mini-CLIP: retrieval, zero-shot accuracy, modality gap
- `job`: `train-clip`: decode, train, measure, save
- `similarity`: cosine similarities of words and pictures, as a matrix or a map in the plane
"""
