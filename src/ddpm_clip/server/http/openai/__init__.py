"""The Images API of OpenAI, for its clients: only `base_url` changes.

- `answers`: finished pictures in the form of the API: base64 or URL, PNG, JPEG or WebP
- `fields`: the fields of the API and ours, as fields of a job
- `models`: `/v1/models`
- `partials`: `stream`: pictures that emerge, as server-sent events
- `repeats`: a request that is sent again gets the pictures of the first
- `routes`: `/v1/images/generations`, `edits` and `variations`
- `uploads`: forms with pictures and masks
- `waiting`: waits for a job, and cancels it if the client has gone
"""
