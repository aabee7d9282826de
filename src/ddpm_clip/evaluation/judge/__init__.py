"""The judge: a small classifier that reads painted pictures.

- `job`: a judge from a source of pictures: decode, train, calibrate, measure, save
- `network`: the network, with one head per attribute and a threshold for rejection
- `pictures`: its data augmentation, and the outlier pictures that it must reject
- `training`: training with outlier exposure, calibration, accuracy
"""

from ddpm_clip.moved import former_names

__getattr__ = former_names(__name__)
