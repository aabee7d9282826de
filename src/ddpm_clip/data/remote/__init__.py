"""Sources that stream: tar shards, URLs, data sets of the hub.

- `hf_datasets`: data sets of the Hugging Face hub, and the files that the `datasets` package
  writes
- `hub_rows`: which column of a table of pictures is what, and how a row becomes a picture's bytes
- `places`: where a source or model lies, as a text that somebody else may have written
- `streams`: pictures that come once, in order, and are kept on the way: what is too far or too
  large to list
- `tar_shards`: pictures in tar shards, as webdataset writes them, read where they lie
- `tar_streams`: tar shards that cannot be read at any place: compressed ones, and ones at the end
  of a URL
- `tars`: what a tar of pictures holds, member by member; nothing is ever unpacked to the disk
"""
