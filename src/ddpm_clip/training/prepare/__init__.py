"""Before the loop: pictures decoded and embedded, statistics measured.

- `embedding`: pictures of a source into the embedding caches of a run
- `pictures`: from the data section of a config to a source, and from a source to training crops
- `preparation`: from a source to what the training loop needs: pixels, embeddings, conditioner
- `sharded_embedding`: one part of an embedding job, and the merge of all parts into what one run
  would have written
- `start`: a run begun or continued: open choices settled and slips told before any work
- `trim_memory`: freed memory, handed back to the system between two stages that need much
"""

from ddpm_clip.moved import former_names

__getattr__ = former_names(__name__)
