"""Folders: a run, a checkpoint, a packed model.

- `checkpoints`: checkpoints: folders that are published by one rename and verified by hash
- `leftovers`: what a folder holds before a run begins there: nothing, this run, another, or other
  files
- `legacy_weights`: models of the earlier projects: from a .pth file to a packed model of ours
- `packing`: a run packed into one small folder to give away: averaged weights and what painting
  needs
- `pretrained`: a packed model is a folder: find one by name, load it, or pack a run into one
- `run`: a run is a folder that remembers everything of one training
"""
