"""Every sentence exists in both languages, and nobody reads one in the wrong direction."""

from __future__ import annotations

import re
import string
from collections import Counter

import pytest

from agentlocator.web.visit import TEMPLATES
from agentlocator.web.words import catalogues
from web.office import Office, csrf
from web.sentences import sentences


def test_the_hebrew_catalogue_is_complete_and_holds_nothing_else() -> None:
    listed = [(str(message.id), str(message.string)) for part in catalogues("he") for message in part if message.id]
    twice = [sentence for sentence, count in Counter(key for key, _ in listed).items() if count > 1]
    assert twice == []
    assert {key for key, _ in listed} == sentences()
    untranslated = [key for key, words in listed if not set(words) - set(string.printable)]
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
