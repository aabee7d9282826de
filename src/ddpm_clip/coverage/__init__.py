"""Can these pictures say this? How well the data of a model cover a prompt."""
