"""The HTTP API: routes, who may call them, and limits of what they read.

- `access`: which routes are public, who a caller is, and the session of the page
- `app`: the application: all routes, behind all checks
- `bodies`: what requests carry: JSON and pictures, of limited size, in limited time
- `checks/`: host, origin and key of every request, and room for it; headers of every response
- `errors`: every failure as JSON, with its status
- `health`: is it alive, does it take work, what has it done?
- `native`: `/api/models`, `/api/jobs` and their events
- `openai/`: the Images API of OpenAI
- `options`: addresses, origins, keys and limits of a server
- `pictures`: `/api/pictures`: uploads, and pictures by id
- `schema`: `/openapi.json`: what routes take and return
- `session`: a page exchanges the key for a session
- `streams`: the events of a job as server-sent events
"""
