"""Training of the mini-CLIP.

- `augmenting`: few pictures made to seem more: mirrored, cut out, turned, recoloured and partly
  covered
- `contrastive`: training of the mini-CLIP on pictures and what is true of them
- `negatives`: texts about what is in none of the pictures, so that a mini-CLIP can tell what it
  does not know
"""
