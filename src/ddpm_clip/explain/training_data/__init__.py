"""Which training pictures steer a prompt, and is any copied?

- `copies`: audit whether painted pictures are copies of training pictures
- `provenance`: the analysis: which training pictures steered a prompt, and is any copied?
- `replacing`: paint with other training pictures in the condition
- `steering`: which rows of the bank entered a condition, and conditions with other rows
"""
