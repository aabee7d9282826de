"""Pictures to train on: folders that the studio was started with, and what is uploaded to it.

- `opening`: a source of either kind by its id
- `roots`: the folders and archives below the folders that were named at the start
- `uploads`: uploaded pictures and zips, decoded and kept as PNGs under random names
"""
