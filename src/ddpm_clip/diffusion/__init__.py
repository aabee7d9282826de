"""The maths of diffusion, without networks or files.

- `gradient_guidance`: guidance by the gradient of any differentiable loss on the predicted x_0
- `guidance`: classifier-free guidance, clamping of x_0 (thresholding), CFG rescale
- `jumps`: over many noise levels at once: what few-call networks are taught
- `known_pixels`: inpainting as a wrapper of `predict`
- `parameterization`: prediction targets (eps, x_0, v), conversions, loss weightings
- `samplers/`: DDPM, DDIM, DPM-Solver++, Heun, consistency models
- `schedules`: noise schedules, and the timesteps used for sampling and training
- `views`: differentiable random augmentations: shift, rotation, zoom, noise
"""
