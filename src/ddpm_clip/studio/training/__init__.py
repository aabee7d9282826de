"""Trainings that the page starts: each a `ddpm-clip train` of its own, followed by its files.

- `child`: a process that trains: started, stopped so that it saves, found again
- `command`: the command line of a training, to be run and to be shown
- `following`: what is new in the files of a training, as events for the page
- `note`: what the studio notes of a training beside its run folder
- `progress`: what a run folder tells of its training: loss, samples, time left
- `trainings`: all trainings: list, start one at a time, stop, resume
"""
