"""Embeddings for other programs, as CSV and npz.

- `dataset`: the course's data set: pictures listed in a CSV, each with its CLIP embedding
- `embedding_csv`: embeddings as CSV, a row a picture: its path, then its numbers
- `embedding_pairs`: pairs of embeddings as a file: `image` (n, e) and `text` (n, e) in an npz, row
  by row
- `extraction`: picture files to a CSV of embeddings, for whoever holds an encoder and a list of
  paths
"""
