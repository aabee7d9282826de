"""When is it decided? Pictures along the walk.

- `alignment`: do pictures come to be like their own words, more than like those of other prompts?
- `commitment`: commitment: at which noise level the class of a picture is decided, with words and
  without
- `matching`: do pictures lie where their own prompts lie, more than where those of others do?
- `plans`: walks in which every picture has its own condition at every step
- `settling`: how a walk settles: distances along it, and whether what it foresees may be believed
- `stepwise`: metrics by step: how sharp, edged, contrasty, colourful and sure pictures become
  along a walk
- `switching`: condition switching: in which window of a walk the words have to act
- `timesteps`: timestep attribution: which noise levels the words are needed at, as Shapley values
  of bins
- `trajectory`: the walk itself: what is seen and foreseen at each step, and the way through the
  embeddings
- `u_turn`: U-turns: finished pictures are noised to a level and denoised again without any words
"""
