"""The dashboard's two languages. The English text is the key; Hebrew comes from its catalogue.

A sentence that has no translation is shown in English; a test sees to it that none is.
"""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path
from typing import Final

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

LANGUAGES: Final = {"he": "rtl", "en": "ltr"}
CATALOGUES: Final = Path(__file__).parent / "locales"


@cache
def translations(language: str) -> NullTranslations:
    """The words of one language of `LANGUAGES`."""
    if language == "en":
        return NullTranslations()
    compiled = io.BytesIO()
    with (CATALOGUES / language / "LC_MESSAGES" / "web.po").open("rb") as source:
        write_mo(compiled, read_po(source, locale=language))
    compiled.seek(0)
    return Translations(compiled)


def said(sentence: str) -> str:
    """Marks a sentence for the catalogue where it is written, long before it is translated."""
    return sentence
