"""The maths of diffusion: schedules, parameterisations, guidance, samplers. No nn, no files."""
