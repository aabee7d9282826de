"""Each picture is embedded once; its embedding is found again by key.

- `card`: the card of an embedding cache: whose embeddings lie there, and of pictures prepared how
- `embeddings`: the embedding cache: each picture is embedded once, and its embedding is found by
  name
- `filling`: filling an embedding cache: full batches cut in one order, pictures made ready in
  threads
- `manifest`: whose embeddings lie where: a table with a row an embedding, kept in columns, not in
  objects
- `parquet_footer`: which codecs a Parquet file names, read from its footer without unpacking
  anything
- `parts`: one embedding job cut into parts that know nothing of each other
- `shards`: the vectors of an embedding cache: safetensors files of one fp16 matrix each
- `untrusted_tables`: columns of a Parquet file that somebody else may have made, unpacked within
  reason
"""
