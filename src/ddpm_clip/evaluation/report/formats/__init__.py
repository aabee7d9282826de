"""An evaluation as JSON, Markdown and HTML.

- `files`: JSON, and all files of a report in one folder
- `markdown`: Markdown tables, to paste into a README or an issue
- `page`: one HTML page with the pictures; its template is `page.html`
- `sentences`: the sentences that all formats share
"""
