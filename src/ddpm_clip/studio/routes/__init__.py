"""The routes of the studio, beside those of every server. Each is declared in `table`.

- `described`: what `/openapi.json` says of these routes
- `gallery`: `/api/gallery`: the history of painted pictures
- `maps`: `/api/map` and `/api/ask`: pictures and words in a plane; is a prompt covered?
- `page`: `/` and `/static`: the page's own files
- `runs`: `/api/runs`: trainings, and their events
- `sources`: `/api/sources`, `/api/uploads` and `/api/scan`: pictures to train on
- `table`: every route, as public or authenticated
"""
