"""Pure mathematics: attributions, frequencies, picture metrics.

- `anova`: two-way analysis of variance: shares of seed, prompt and interaction
- `integrated_gradients`: how much each coordinate of a vector adds to a function of it
- `picture_metrics`: sharpness, edges, contrast, colourfulness, PSNR, entropy
- `ranks`: Spearman's rank correlation
- `shapley`: Shapley values: what each player of a cooperative game adds
- `spectrum`: power spectra of pictures, and combining the frequencies of two
"""
