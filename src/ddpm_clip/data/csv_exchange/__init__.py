"""Embeddings for other programs, as CSV and npz.

- `dataset`: a PyTorch data set of the pictures in a CSV, as the course uses it
- `embedding_csv`: reads and writes embeddings as CSV, one row per picture
- `embedding_pairs`: reads pairs of image and text embeddings from an npz file
- `extraction`: embeds picture files into a CSV
"""
