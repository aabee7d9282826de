"""What is measured of sets of pictures, as sets of features.

- `against_real`: a metric of painted pictures against real ones, beside real pictures against real
  ones
- `diversity`: how different the pictures of one prompt are, beside real pictures of the same class
- `features`: pictures as rows of numbers: what every metric compares, and the checks that all of
  them make
- `frechet`: the Fréchet distance between two sets of features, each taken for a Gaussian
- `manifold`: are painted pictures where real ones are, and everywhere where real ones are?
- `matching`: real pictures that show what the painted ones were asked for, as many of each kind
- `memorisation`: does a model repeat its training pictures?
- `mmd`: the maximum mean discrepancy of two sets of features: unbiased, so good for few pictures
- `neighbours`: euclidean distances between two sets of rows, in bounded memory
- `retrieval`: does another CLIP find a picture's own prompt among all prompts, and by what margin?
- `transfer`: train a reader on painted pictures, test it on real ones, beside one trained on real
  ones
- `two_sample`: can a classifier tell painted pictures from real ones?
"""
