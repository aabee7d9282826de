"""Models behind a queue, and an HTTP API in front of it.

- `http/`: the HTTP API: routes, who may call them, limits of what they read
- `kinds/`: the kinds of jobs that every server has
- `running`: runs a server until it is told to stop
- `service/`: opened models, a queue, jobs and their events
"""
