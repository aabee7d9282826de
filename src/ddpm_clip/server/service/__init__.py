"""Jobs on opened models: a queue, one thread that computes, and the events that tell of it.

Nothing here imports torch before a model is described or opened, so that a server answers at once.

- `events`: what a job tells while it runs
- `fair_queue`: the bounded queue of jobs: first come, first served, in turns between owners
- `fields`: types of request fields whose errors are those of the command line
- `jobs`: one job: its state, its events, and who listens to them
- `kind`: the interface of a kind of job, and what a running job may use
- `limits`: how much a service accepts and keeps
- `models`: the models that are served, by id; opened once
- `pictures`: pictures in memory under random names, until there is no room or time for them
- `service`: submit, look up and cancel jobs
- `warned`: collects the warnings of a piece of work, for the client instead of the terminal
- `worker`: the thread that computes one batch of jobs after the other
"""
