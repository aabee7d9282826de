"""What does guidance change?

- `class_directions`: directions from the mean picture to the mean of each class
- `field`: the guidance field as data: size, change of direction, frequencies
- `field_panels`: the panels of the guidance field, and how to read them
- `guidance_field`: what the words change in the predicted picture, step by step
- `guidance_weights`: the same seeds at several guidance scales
- `masked_field`: walks with the guidance field switched off at some pixels
- `weight_used`: measure the guidance scale that was really used
"""
