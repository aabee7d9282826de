"""The run's default bridge: fitted and chosen on held-out pairs.

- `bridge_choice`: which bridge is a run's own, where nobody says: chosen on pictures that no
  training saw
- `bridging`: a run's prior and its own bridge: fitted and chosen when the pictures are embedded
- `pairs`: texts and the pictures that they belong to: told by captions, or guessed by nearness
"""
