"""Every sentence exists in both languages, and nobody reads one in the wrong direction."""

from __future__ import annotations

import re
import string

import pytest
from babel.messages.pofile import read_po

from agentlocator.web.visit import TEMPLATES
from agentlocator.web.words import CATALOGUES
from web.office import Office, csrf
from web.sentences import sentences


def test_the_hebrew_catalogue_is_complete_and_holds_nothing_else() -> None:
    with (CATALOGUES / "he" / "LC_MESSAGES" / "web.po").open("rb") as source:
        catalogue = {str(message.id): str(message.string) for message in read_po(source, locale="he") if message.id}
    assert set(catalogue) == sentences()
    untranslated = [key for key, words in catalogue.items() if not set(words) - set(string.printable)]
    assert untranslated == []


def test_only_sentences_of_ours_are_trusted_as_markup() -> None:
    """What a template translates with `_` is not escaped, so it may only be a sentence written in the template."""
    trusted = [word for path in TEMPLATES.glob("*.html") for word in re.findall(r"\b_\(.", path.read_text())]
    assert set(trusted) == {'_("'}
    assert not any("safe" in path.read_text() for path in TEMPLATES.glob("*.html"))


@pytest.mark.requirement("R51")
async def test_hebrew_comes_first_and_english_is_a_choice(office: Office) -> None:
    async with await office.browser_of("owner") as owner:
        page = (await owner.get("/", follow_redirects=True)).text
        assert '<html lang="he" dir="rtl">' in page
        assert "יום שבת, 21 בנובמבר" in page
        await owner.post("/language", data={"csrf": await csrf(owner), "language": "en"})
        page = (await owner.get("/", follow_redirects=True)).text
    assert '<html lang="en" dir="ltr">' in page
    assert "Saturday, 21 November" in page
    assert "Waiting for you" in page
