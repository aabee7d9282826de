"""From pictures back to noise, and between two pictures.

- `ddim_inversion`: from a picture back to the noise it comes from, and down again
- `interpolations`: interpolate between two prompts or two noises, and judge the pictures
- `inversion`: the analysis: round trips, interpolations, out-of-domain pictures
- `other_prompt`: a prompt for another class, to compare with
- `out_of_domain`: pictures that the model would not paint, recognised by their noise
- `round_trip`: invert pictures and sample them again, with several numbers of steps
"""
