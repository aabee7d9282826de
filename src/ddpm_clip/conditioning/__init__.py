"""From CLIP embeddings to conditions, the vectors that the network is conditioned on.

- `bridges`: the bridges, which carry text embeddings across the modality gap
- `closeness`: how well bridged text embeddings match image embeddings: five figures, energy score
- `cloud`: the pictures' conditions as an ellipsoid; brings a condition from outside back into it
- `conditioner`: the only path from an embedding to a condition
- `files`: saving and loading a conditioner, and the note on how its bridge was chosen
- `nearest`: exact nearest-neighbour search in a large bank; `resample`: draws between neighbours
- `openness`: how much a text leaves open, along each direction that words know
- `plane`: the map of a model: its pictures in a plane, and conditions at points of it
- `prior`: a linear-Gaussian prior P(image embedding | text embedding), fitted on pairs
- `regression`: ridge regression between principal components, and the emphasis of rare details
- `statistics`: mean, covariance and radius of a cloud of embeddings, root of the noise covariance
"""

from ddpm_clip.moved import former_names

__getattr__ = former_names(__name__)
