"""Which training pictures steer a prompt, and is any copied?

- `copies`: was a training picture copied?
- `provenance`: which training pictures steered a prompt, and whether any was copied
- `replacing`: pictures painted with other training pictures in the condition than those it asks
  for
- `steering`: which rows of the bank entered a condition, and what the condition had been with
  others
"""
