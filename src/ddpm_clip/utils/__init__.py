"""Helpers that import nothing of this package outside this folder.

- `cpu_threads`: how many CPU threads compute, and how they wait for each other
- `device`: chooses device and number type, and reads the size of main memory
- `generators`: runs a generator that yields progress to its end
- `locks`: allows one writer per folder, by a lock that its holder's death releases
- `pickled`: reads weights from an untrusted .pth file, through a child process
- `pickled_child`: the program of that child: converts one .pth file to plain tensors
- `plain_yaml`: parses YAML as plain data within size limits
- `plots/`: plots as PNG; the only folder that imports matplotlib
- `resizing`: the one resizer: from a picture of any size to the pixels that a network sees
- `storage`: atomic writing of files and folders, which survives a crash
- `tensors`: tensors to and from pictures and safetensors files
- `untrusted`: reads untrusted files: regular files of limited size with plain data only
- `visualization`: picture grids with captions, and GIFs
"""
