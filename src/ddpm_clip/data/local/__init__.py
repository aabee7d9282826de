"""Sources on the local disk.

- `drawn_flowers`: synthetic flowers with known facts, drawn at any size from a random seed
- `emoji`: emoji in several styles, with names and keywords
- `file_source`: a source of picture files, whatever lists them
- `flower_shapes`: paints the seven species of flowers with numpy
- `folder`: lists the pictures in a user's folder
- `idx`: the idx files of MNIST and Fashion-MNIST, gzipped or not
- `npz`: pictures in the arrays of an npz pack
- `npz_arrays`: safely reads one array of an npz pack, memory-mapped if it is large
- `own_outputs`: recognises runs, models, sheets and painted pictures of this package
- `tiny_imagenet`: Tiny ImageNet in its original folders
- `written_captions`: captions in `metadata.jsonl`, or in a text file beside a picture
"""
