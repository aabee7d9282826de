"""One file a command, named after what is typed.

- `ask`: `ask`: can the pictures of a model say this, and what could be asked of them instead
- `blend`: `blend`: several ideas with weights, in one picture
- `compass`: `compass`: pictures and words in one plane
- `doctor`: `doctor`: what this machine and this installation can do, for a person who is stuck
- `embed`: `embed`: the embeddings of a source into a cache, whole or in parts, or into a CSV
- `evaluate`: `evaluate`: how good is a model, by evaluators that it was not trained with
- `explain`: `explain`: why a model paints what it paints, with the verdict of a test beside every
  claim
- `gap`: `gap`: how far words lie from pictures, and what each bridge makes of it
- `generate`: `generate`: words on the command line to PNG files
- `img2img`: `img2img`: a picture on the command line, painted over under a prompt
- `import_legacy`: `import-legacy`: a .pth of an earlier project to a model, without running what
  it holds
- `inpaint`: `inpaint`: part of a picture on the command line, painted anew
- `interpolate`: `interpolate`: the way from one idea to another, as a strip
- `models`: `models`: what there is to paint with
- `pack`: `pack`: a run to a small folder that can be given away
- `reproduce`: `reproduce`: a picture on the command line, painted again from what it says of
  itself
- `resume`: `resume`: a training continued where it was left
- `scan`: `scan`: decode every picture of a source and report, without training anything
- `show`: `show`: what is known of one model or run
- `similarity`: `similarity`: how near an embedder puts pictures to words, in numbers and plots
- `train`: `train` and `resume`: what a command line says of a training
- `train_clip`: `train-clip`: a small CLIP of one's own, for pictures of which something is known
- `vary`: `vary`: a picture on the command line to others of its kind
"""
