"""The maths of diffusion. No networks, no files.

- `gradient_guidance`: guidance by the gradient of any differentiable loss of the picture that is
  emerging
- `guidance`: classifier-free guidance, and what keeps its pictures inside the range of pictures
- `known_pixels`: inpainting as a wrapper of `predict`: what is known of a picture is not asked of
  the network
- `parameterization`: what a network predicts (eps, x_0 or v), how it is read, and how its error is
  weighted
- `samplers/`: from noise to pictures: each sampler walks down the timesteps and yields a `Step`
  each
- `schedules`: noise schedules: tables of noise levels, and how rows are chosen to walk down or
  train on
- `views`: random views of pictures: shifted, turned, zoomed, a little noisy; differentiable
"""
