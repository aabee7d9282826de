"""Confidence intervals and tests of shares, means and counts.

- `chance`: probability of a count by chance: binomial tail and Fisher's exact test
- `clusters`: interval of a share of outcomes in clusters, such as all of one prompt
- `intervals`: Wilson's interval of a share
- `means`: Student's interval of a mean
"""
