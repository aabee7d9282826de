"""Before the loop: decode and embed the pictures, measure the statistics.

- `checks`: judges a config before any long work: names, fit, keys without an effect
- `csv_import`: embeddings from a CSV file into the run's cache
- `embedding`: embeds the pictures of a source into the embedding caches of a run
- `moved_pictures`: a run's pictures lie elsewhere now: are they the same ones?
- `pictures`: opens the source of a config and decodes its training crops
- `preparation`: from a source to what the training loop needs: pixels, embeddings, conditioner
- `refitting`: the pairs that a finished model's prior can be fitted on again
- `sharded_embedding`: embedding in several shards (`embed --shard`), and merging them
- `start`: starts or continues a run; checks the config before any long work
- `trim_memory`: returns freed memory to the operating system
"""

from ddpm_clip.moved import former_names

__getattr__ = former_names(__name__)
