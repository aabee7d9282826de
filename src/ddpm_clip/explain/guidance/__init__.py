"""What does guidance change?

- `class_directions`: where each class lies among the pictures of a model: means of pictures that
  nobody asked for
- `field`: the guidance field as data, and what is found about it
- `field_panels`: the panels of the guidance field, and how to read them
- `guidance_field`: the guidance field: what the words change of the picture that is foreseen, step
  by step
- `guidance_weights`: the same seeds under several guidance weights: what more guidance brings, and
  what it takes
- `masked_field`: walks whose guidance field is switched off at some pixels: where does it matter?
- `weight_used`: which guidance weight was really used: read back from the pictures that guidance
  made
"""
