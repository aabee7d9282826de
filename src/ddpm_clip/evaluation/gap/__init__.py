"""The modality gap: how far texts lie from pictures, and which bridge closes it best.

- `bridge_maps`: every simple way from texts to pictures, on bare embeddings: what the bridges are
  chosen from
- `bridge_table`: bridges beside each other in figures that need no network and no painting
- `measures`: the modality gap in numbers: how far the texts lie from the pictures, and in which
  way
- `modality_probe`: can a straight cut tell texts from pictures?
- `plot`: the gap as a picture: both clouds, where the gap lies, and the bridges beside each other
- `study`: the gap of a model or of a file of pairs, and what each bridge makes of it
"""
