"""The embedding cache: each picture is embedded once, and its embedding is found by key.

- `card`: records the embedder and preprocessing of a cache, and refuses to mix two
- `embeddings`: the cache itself: looks up and appends embeddings
- `filling`: embeds the missing pictures in fixed full batches
- `manifest`: the table from picture key to shard and row
- `parquet_footer`: reads the codecs of a Parquet file without decompressing anything
- `parts`: splits an embedding job into independent parts (`--shard i/N`)
- `shards`: the embedding vectors, as fp16 matrices in safetensors files
- `untrusted_tables`: reads columns of an untrusted Parquet file within size limits
"""
