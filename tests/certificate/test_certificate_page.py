"""The certificate as a document: Hebrew, self-contained, signed, and whatever was said stays words in it."""

from __future__ import annotations

import re

import msgspec
import pytest

from agentlocator.certificate import page, seal
from agentlocator.certificate.certification import Certified
from agentlocator.certificate.evidence import Answered, Spoken
from agentlocator.certificate.judge import judge
from agentlocator.certificate.sentences import CHECKS, SECTIONS

pytestmark = pytest.mark.requirement("R52")

HOSTILE = "<script>alert(1)</script>"


def test_the_page_stands_alone_reads_from_the_right_and_has_all_ten_sections(good: Certified) -> None:
    assert '<html lang="he" dir="rtl">' in good.page
    assert not re.search(r'(src|href)="(?!#)', good.page)
    assert "<script" not in good.page
    for number, (title, _) in SECTIONS.items():
        assert f"{number}. {title.he}" in good.page
    assert "<svg" in good.page
    assert "בדיקת מוכנות" in good.page
    assert str(good.document["signature"]) in good.page


def test_a_failed_check_shows_its_remedy_in_hebrew(good: Certified) -> None:
    broken = msgspec.structs.replace(good.certificate.evidence, answered=Answered("11200: HTTP 403."))
    drawn = page.render(judge(broken), "x")
    assert CHECKS["taken"].remedy.he.partition(",")[0] in drawn
    assert "לא נבדק, כי נכשל: השרת עונה לשיחה" in drawn


def test_what_was_said_stays_words(good: Certified) -> None:
    evidence = msgspec.structs.replace(
        good.certificate.evidence,
        turns=(Spoken("caller", HOSTILE, 0),),
        log=(HOSTILE,),
        greeted=HOSTILE,
        lead={"name": HOSTILE, "phone": HOSTILE},
    )
    assert HOSTILE not in page.render(judge(evidence), "x")


def test_a_document_that_was_changed_is_not_genuine(good: Certified) -> None:
    secret = "of the deployment"
    document = msgspec.json.decode(msgspec.json.encode(seal.document(good.certificate, secret)))
    assert seal.is_genuine(document, secret)
    assert not seal.is_genuine({**document, "passed": not document["passed"]}, secret)
    assert not seal.is_genuine(document, "of another one")


def test_the_document_says_everything_in_both_languages(good: Certified) -> None:
    checks = [check for section in good.document["sections"] for check in section["checks"]]
    assert {check["key"] for check in checks} == set(CHECKS)
    for check in checks:
        assert check["title"].keys() == check["evidence"].keys() == {"he", "en"}
