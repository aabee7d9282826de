"""How sure a share, a mean or a count is.

- `chance`: how likely a count is by chance alone
- `clusters`: how sure a share is where outcomes come in clusters: all of one prompt, or all of one
  noise
- `intervals`: how sure a measured share is
- `means`: how sure a mean is, where the values are few
"""
