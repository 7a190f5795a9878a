"""The dashboard's two languages. The English text is the key; Hebrew comes from its catalogues, one a part of the site.

A sentence that has no translation is shown in English; a test sees to it that none is.
"""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog
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
    whole = Catalog(language)
    for part in catalogues(language):
        for message in part:
            whole[message.id] = message
    compiled = io.BytesIO()
    write_mo(compiled, whole)
    compiled.seek(0)
    return Translations(compiled)


def catalogues(language: str) -> list[Catalog]:
    """What is translated into one language, a catalogue for each part of the site. No sentence is in two."""
    read = []
    for path in sorted((CATALOGUES / language / "LC_MESSAGES").glob("*.po")):
        with path.open("rb") as source:
            read.append(read_po(source, locale=language))
    return read


def said(sentence: str) -> str:
    """Marks a sentence for the catalogue where it is written, long before it is translated."""
    return sentence
