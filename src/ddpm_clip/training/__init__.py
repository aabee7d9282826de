"""Training: from a source to a run. Generators that yield one step at a time."""
