"""From pictures back to noise, and between two pictures.

- `ddim_inversion`: from a picture back to the noise that it would come from, and how well it
  returns
- `interpolations`: ways between two prompts and between two noises, with what a judge reads along
  them
- `inversion`: back to the noise, and between: inversion of pictures, and ways between prompts and
  noises
- `other_prompt`: a prompt for another class, to hold the explained one against
- `out_of_domain`: pictures that the model would not paint, told by the noise that they would come
  from
- `round_trip`: finished pictures walked up to their noise and down again, at several finenesses of
  the walk
"""
