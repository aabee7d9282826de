"""Training of the mini-CLIP.

- `augmenting`: data augmentation: flip, random crop, rotation, colour jitter, cutout
- `contrastive`: contrastive training on pictures and captions made from their facts
- `negatives`: texts that fit none of the pictures, as extra negatives
"""
