"""From embeddings to conditions, the vectors that the network is conditioned on.

- `bridges`: the ways from where words lie to where pictures lie, by name
- `closeness`: how much a text that was carried over looks like a picture: five figures, and a
  score of draws
- `conditioner`: the only path from an embedding to a network: normalise, centre, scale, bridge,
  noise level
- `files`: a conditioner as files of a run or packed model, and the note on how its bridge was
  chosen
- `nearest`: the nearest rows of a large bank, exactly, in bounded memory
- `prior`: where the pictures of a text lie, learned from pairs: a linear prior, and one picture by
  lot
- `statistics`: statistics of a cloud of unit embeddings: mean, covariance, radius, root of the
  noise
"""

from ddpm_clip.moved import former_names

__getattr__ = former_names(__name__)
