"""An evaluation as JSON, Markdown and HTML.

- `files`: an evaluation as JSON, and all its files in one folder
- `markdown`: an evaluation as Markdown: tables that can be pasted into a README or an issue
- `page`: an evaluation as one HTML page, with its pictures; its template is `page.html`
- `sentences`: what all forms of a report say: who painted what, how much, with which seeds
"""
