"""Judges, and what they say of a model: numbers with intervals. Nothing here paints or prints."""
