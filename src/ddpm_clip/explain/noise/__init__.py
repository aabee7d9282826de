"""What does the initial noise decide, and what does the network predict of it?

- `initial_noise`: the analysis: what the seed decides, and what the prompt
- `noise_accuracy`: how accurate the predicted noise is at each noise level
- `noise_blocks`: replace a block of one seed's noise by another's: where does the picture change?
- `noise_layout`: pictures of every prompt with every seed, and the sources of their variance
- `noise_prediction`: the analysis: how accurate the predicted noise is, and what can be read in it
- `noise_probe`: a linear probe that predicts the picture's class from the initial noise
- `noise_reading`: what a CLIP reads in noise maps, compared with random noise
- `noise_trades`: combine the frequencies of two seeds' noise: whose picture comes out?
- `vocabularies`: words for a CLIP to look for: typed, from a file, or a named list
"""
