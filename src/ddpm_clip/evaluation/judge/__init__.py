"""The judge: a small classifier that reads painted pictures.

- `job`: a judge from a source to a folder: decode, train, calibrate, measure, save
- `network`: the judge: a small network that reads pictures back, attribute by attribute
- `pictures`: pictures that a judge is trained on: bent real ones, and nonsense that it must not
  name
- `training`: training, calibration and measurement of a judge, on pictures and what is true of
  them
"""

from ddpm_clip.moved import former_names

__getattr__ = former_names(__name__)
