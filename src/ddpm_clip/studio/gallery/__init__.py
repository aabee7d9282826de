"""The history of painted pictures: a folder of PNGs that anyone can open, and an index of them.

- `archive`: some pictures as one zip, written while it is sent
- `entry`: what is known of one picture, and whether it is searched for
- `history`: the folder: add, list, search, mark, delete
- `index`: the index file, which survives a crash and is made anew from the PNGs
"""
