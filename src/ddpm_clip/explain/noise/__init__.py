"""What does the initial noise decide, and what does the network predict of it?

- `initial_noise`: what the initial noise decides: against the prompt, by itself, at which
  frequencies, and where
- `noise_accuracy`: how much of the true noise is in the noise that a network names, level by level
- `noise_blocks`: a block of one seed's noise set into another's: how far does it reach in the
  picture?
- `noise_layout`: pictures of every prompt with every seed, and what their variance comes from
- `noise_prediction`: what is in the noise that the network names: true noise, and what is left of
  picture and words
- `noise_probe`: does the noise foretell the picture?
- `noise_reading`: what a CLIP reads in maps that are no pictures, beside what it reads in random
  noise
- `noise_trades`: noise of two seeds, crossed at a frequency: whose picture comes out?
- `vocabularies`: words that a CLIP looks for: typed, in a file, or a list that has a name
"""
