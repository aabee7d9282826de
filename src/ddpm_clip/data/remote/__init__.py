"""Sources that stream: tar shards, URLs, data sets of the hub.

- `hf_datasets`: data sets of the Hugging Face hub, and files written by `datasets`
- `hub_rows`: finds the columns of a table of pictures, and reads a row's picture
- `places`: shortens an untrusted path so that it cannot leave the working folder
- `streams`: forward-only sources, and storing what training needs of them
- `tar_shards`: random access to pictures in local tar shards (webdataset)
- `tar_streams`: compressed or remote tar shards, read as a stream
- `tars`: lists the pictures in a tar without unpacking it
- `zip_source`: random access to the pictures in one or several local zips
- `zips`: lists and reads the members of one zip within limits, without unpacking it
"""
