"""The folders of a training and its result: runs, checkpoints, packed models.

- `checkpoints`: writes checkpoints atomically and verifies them by hash
- `file_names`: names of the files in a run folder, for code that only looks at them
- `finding`: finds the folder of a model by the name that a user gives
- `history`: what a training left behind step by step, as JSON lines
- `leftovers`: decides what a folder holds before a run begins there, and clears it
- `legacy_weights`: imports a .pth file of an earlier project as a packed model
- `packing`: packs a run into one small folder for distribution
- `pretrained`: loads a run or packed model
- `run`: the folder that holds everything about one training
"""
