"""When is it decided? Analyses of the steps of a walk.

- `alignment`: are pictures nearer to their own words than to those of other prompts, step by step?
- `commitment`: at which noise level the class of a picture is decided, with and without words
- `matching`: permutation test: do pictures match their own prompts better than other prompts?
- `plans`: walks in which each picture has its own condition at every step
- `settling`: how far x_0-hat is from the finished picture, and whether it is unbiased
- `stepwise`: picture metrics at every step: sharpness, edges, contrast, colour, entropy
- `switching`: in which window of steps the words have to act
- `timesteps`: at which noise levels the words count, as Shapley values of parts of the walk
- `trajectory`: x_t and x_0-hat at each step, and the path through the embeddings of a CLIP
- `u_turn`: U-turns: finished pictures are noised to a level and denoised without words
"""
