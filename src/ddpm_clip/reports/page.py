"""One self-contained HTML page from templates: no network request, all text escaped.

Every page extends `templates/base.html`, which has the head, the facts and what was skipped, and
`templates/report.css`. It follows the system's light or dark mode and is readable on a phone.
"""

import base64
from typing import Any

from PIL import Image

from ddpm_clip.utils.visualization import encoded_png


def render(package: str, template: str, **values: Any) -> str:
    """Render a page from the template of a package.

    Args:
        package: the package whose folder holds the template; `__package__`.
        template: name of the template file, which extends `base.html`.
        values: the template's variables; `base.html` needs `title`, `facts` (pairs of name and
            value), `intro` and `skipped`.
    """
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=ChoiceLoader([PackageLoader(package, ""), PackageLoader(__package__)]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["data_url"] = data_url
    return environment.get_template(template).render(values)


def data_url(picture: Image.Image | bytes, form: str = "png") -> str:
    """Return a picture, or the bytes of its file, as a data URL."""
    data = picture if isinstance(picture, bytes) else encoded_png(picture)
    return f"data:image/{form};base64,{base64.b64encode(data).decode('ascii')}"
