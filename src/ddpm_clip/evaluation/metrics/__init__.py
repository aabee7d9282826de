"""Metrics of sets of pictures, computed on their features.

- `against_real`: a metric of painted against real pictures, beside that of real against real
- `diversity`: distances between the pictures of one prompt, relative to real pictures of the class
- `features`: features of pictures (judge, pixels), and checks of feature matrices
- `frechet`: the Fréchet distance between Gaussian fits of two sets of features
- `manifold`: precision, recall, density and coverage
- `matching`: draws real pictures with the same facts as the painted ones
- `memorisation`: copies of training pictures, and closeness to the training set
- `mmd`: the maximum mean discrepancy (KID, CMMD), unbiased and so suited to few pictures
- `neighbours`: Euclidean distances and nearest neighbours, in bounded memory
- `retrieval`: R-precision and margin: does another CLIP retrieve the prompt of a picture?
- `transfer`: accuracy on real pictures of a classifier trained on painted ones (CAS)
- `two_sample`: can a classifier distinguish painted from real pictures?
"""
