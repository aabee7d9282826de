"""How well the training pictures of a model cover a prompt.

- `calibration`: the calibrated verdict on coverage, and saving it beside the model
- `measuring`: chooses prompts of known coverage for a model, and calibrates on them
- `probe`: logistic regression between covered and outside prompts
- `prompt_coverage`: answers for one prompt: verdict, nearest pictures, suggestions
- `readable`: which captions can be suggested as prompts
- `showing`: draws the training pictures nearest to a prompt
- `texts`: the prompts of known coverage
"""
