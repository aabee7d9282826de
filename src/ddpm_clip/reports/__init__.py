"""What every report is made of, and how it becomes files and a page.

- `as_json`: values as JSON: what is not finite is null, floats have six digits
- `figures`: figures, sections of figures, and what was skipped
- `folder`: the folder of a report: refused where it holds one, each file whole or not at all
- `page`: HTML from templates: one page with everything inside, all text escaped
- `provenance`: where and by what something was measured: date, version, commit, machine
"""
