"""Distillation: a network that paints in one, two or four calls, taught by a trained model.

- `conditions`: what the recorded walks are asked for: texts, pictures, guidance scales
- `features`: comparison of pictures by the layers of a CLIP, beside their pixels
- `loop`: the job: record the teacher's walks, train the student; resumes bit-exactly
- `methods`: the losses, each a function in `METHODS`
- `plan`: how many walks and steps fit into the minutes that are given
- `start`: the config and the run of a student
- `walks`: the teacher's walks: recorded shard by shard, then read as one
"""

from ddpm_clip.training.distillation.loop import continue_distillation, distill

__all__ = ["continue_distillation", "distill"]
