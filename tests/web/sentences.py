"""Every sentence the dashboard can say, gathered from its templates and its code."""

from __future__ import annotations

from pathlib import Path

from babel.messages.extract import extract_from_dir

import agentlocator.web

METHODS = [("**.py", "python"), ("**.html", "jinja2.ext:babel_extract")]
KEYWORDS: dict[str, tuple[int, ...] | None] = {"_": None, "said": None, "gettext": None}


def sentences() -> set[str]:
    """The English texts that are keys of the catalogues."""
    folder = Path(agentlocator.web.__path__[0])
    return {str(found[2]) for found in extract_from_dir(folder, METHODS, keywords=KEYWORDS)}
