"""What answers are tried on: random arguments, pictures to be described, unnamed blocks.

- `blocks`: seven building blocks without their names
- `cases`: random arguments of calls
- `networks`: tiny networks for exercises that call one
- `prompt_pictures`: flowers to be described, and others not to be confused with them
"""
