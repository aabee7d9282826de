"""Looks through a source of pictures for what harms a training, while it is decoded anyway.

- `checking`: sees every picture once and keeps a few bytes of it; says what it found
- `duplicates`: pairs of equal or nearly equal pictures, from small thumbnails
- `findings`: what was found: how much, which pictures, and what would become of them
- `scanning`: looks through a whole source, for `scan` and for the page
- `written_text`: whether a picture is likely a screenshot of text
"""
