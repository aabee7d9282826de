"""What every HTML page of ours has to be: whole, in need of nothing else, and free of markup
that came from outside."""

import re
from html.parser import HTMLParser

EVIL = "\"><script>alert('a|b')</script>"
"""Text that ends an attribute and begins a script, wherever it is not escaped."""

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
NEVER = {"script", "link", "iframe", "object", "embed", "base", "form", "svg"}
VOID = ("meta", "img", "link", "br")


class Page(HTMLParser):
    """Tags with their attributes, and all text; each tag that was opened has to be closed."""

    def __init__(self, text: str):
        super().__init__()
        self.tags, self.open, self.text = [], [], ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data

    def every(self, name: str) -> list[str]:
        """The values of an attribute, in the order of the page."""
        return [attrs[name] for _, attrs in self.tags if name in attrs]


def checked(text: str) -> Page:
    """The page, if nothing in it runs and nothing is asked of anyone."""
    assert text.startswith('<!doctype html>\n<html lang="en">')
    page = Page(text)
    assert not NEVER & {tag for tag, _ in page.tags}
    assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on")]
    assert all(one.startswith("data:image/") for one in page.every("src"))
    assert all(one.startswith("#") for one in page.every("href"))
    assert not re.search(r"https?://|@import|url\(", text)
    assert POLICY in page.every("content")
    assert "width=device-width" in text
    assert "prefers-color-scheme: dark" in text
    return page
