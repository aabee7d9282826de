"""Leaves that import nothing of ours.

- `device`: which device and which number type, and how much memory there is
- `generators`: generators that say how far they are and end by a result: run to their end in one
  place
- `locks`: one writer a folder: a lock that ends with its holder, however that ends
- `pickled`: weights out of a .pth file without trusting it: a child reads it, this process never
  does
- `pickled_child`: a program: read one .pth in a process of its own, and leave plain tensors behind
- `plain_yaml`: YAML as plain data of bounded size: no tags, no bombs, and one class of error
- `plots/`: plots as PNG. The only folder that imports matplotlib, and only when it draws
- `resizing`: from a picture of any size to the pixels that a network sees: the one resizer
- `storage`: writing that survives a crash: a file or a folder is there whole, or not at all
- `tensors`: tensors to and from pictures and safetensors files
- `untrusted`: reading files that somebody else may have made: regular files of bounded size, plain
  data only
- `visualization`: pictures from tensors: grids with captions, GIFs
"""
