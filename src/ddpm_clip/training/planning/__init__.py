"""Plans a training of given minutes: from machine and pictures to size, network, steps and rate.

- `calibration`: how long one step of a network takes on this machine
- `candidates`: sizes and networks that a plan chooses from, and what each needs to be worth it
- `expectations`: what pictures of earlier budgets gave, as measured
- `planning`: measures, chooses, and says why
"""
