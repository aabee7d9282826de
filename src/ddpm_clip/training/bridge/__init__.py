"""Fits the prior of a run and chooses its default bridge.

- `bridge_choice`: chooses the default bridge by the energy score on held-out captions
- `bridging`: fits the prior, then chooses the bridge or takes the configured one
- `pairs`: pairs of text and picture: from captions, or by nearest neighbours
"""
