"""An evaluation as JSON, Markdown and HTML.

- `as_json`: an evaluation as JSON: every figure, every reason, every seed that is shown
- `files`: an evaluation as files in one folder, each written whole or not at all
- `html`: an evaluation as one HTML page that needs nothing else: pictures inside, no request
  anywhere
- `markdown`: an evaluation as Markdown: tables that can be pasted into a README or an issue
- `sentences`: the sentences that all forms of a report share: who painted what, how much, with
  which seeds
"""
