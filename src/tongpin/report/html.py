"""Html 网页: one self-contained page from Jinja2 templates; it requests nothing and runs no script."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
from markupsafe import Markup

from tongpin.report import words

if TYPE_CHECKING:
    from collections.abc import Mapping

_TEMPLATES = Path(__file__).parent / "templates"


def inline_svg(svg: str) -> Markup:
    """A chart of our own drawing as markup that autoescape lets through."""
    return Markup(svg)  # noqa: S704 - the SVG comes from vl_convert, its texts are escaped there


def render_page(template: str, context: Mapping[str, Any], *, folder: Path) -> str:
    """The page of `template` (in `folder`, extending `page.html` of this room) as text, every value escaped."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([folder, _TEMPLATES]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "yuan": words.yuan_text,
        "wan": words.wan_text,
        "yi": words.yi_text,
        "count": words.count_text,
        "number": words.number_text,
        "percent": words.percent_text,
        "points": words.points_text,
        "month": words.month_text,
    }
    return environment.get_template(template).render(**context)
