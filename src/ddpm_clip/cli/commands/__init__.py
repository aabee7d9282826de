"""One file per command, named after the command.

- `ask`: do the training pictures of a model cover a prompt? what could be asked instead?
- `blend`: paint a weighted mixture of prompts and pictures
- `compass`: show pictures and words in one plane
- `course`: lessons, graded exercises, and a student's progress
- `distill`: make a model that paints in a few network calls
- `doctor`: check this machine and installation
- `embed`: embed a source of pictures into a cache, whole or in shards, or into a CSV file
- `evaluate`: measure a model with an independent judge and CLIP
- `explain`: analyse why a model paints what it paints, each claim with a test
- `gap`: measure the modality gap and how well each bridge closes it
- `generate`: paint pictures from prompts
- `img2img`: repaint a picture under a prompt
- `import_legacy`: convert a .pth of an earlier project to a model, without running code in it
- `inpaint`: repaint part of a picture
- `interpolate`: paint the way from one prompt or picture to another, as a strip
- `models`: list the shipped models
- `pack`: make a small model folder from a run
- `reproduce`: paint a picture again from the parameters in its PNG, and compare
- `resume`: continue a training
- `scan`: decode every picture of a source and report, without training
- `show`: show the facts of a model or run
- `similarity`: measure how similar pictures and words are to an embedder
- `train`: train a model
- `train_clip`: train a mini-CLIP on pictures with labels or captions
- `vary`: paint variations of a picture
"""
