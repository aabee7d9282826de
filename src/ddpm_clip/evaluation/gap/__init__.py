"""The modality gap: how far text embeddings lie from image embeddings, and which bridge closes it.

- `bridge_maps`: ten simple maps from text to image embeddings, as candidates for bridges
- `bridge_table`: compares bridges by figures that need neither network nor painting
- `measures`: figures of the modality gap: distances, cosines, effective dimensions
- `modality_probe`: accuracy of a linear probe that separates texts from pictures
- `plot`: draws both clouds, the coordinates of the gap, and the figures of the bridges
- `study`: the gap of a model or of a file of pairs, with the figures of each bridge
"""
