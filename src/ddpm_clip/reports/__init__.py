"""What every report is made of, and how it becomes files and a page.

- `as_json`: values as JSON: NaN and infinity become null, floats have six digits
- `figures`: figures, sections of figures, and what was skipped
- `folder`: the folder of a report: never overwritten unasked, files written atomically
- `page`: one self-contained HTML page from templates, all text escaped
- `provenance`: date, version, commit and machine of a measurement
"""
