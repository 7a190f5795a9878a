"""How the assistant conducts itself: its voice, when it yields, how long it waits, whom it hands calls to, its caps."""

from __future__ import annotations

from typing import Final

import msgspec
from starlette.responses import Response

from agentlocator.domain import businesses, conduct, spending
from agentlocator.domain.businesses import LANGUAGES
from agentlocator.domain.schedules import BadSetting
from agentlocator.domain.text import clean
from agentlocator.realtime.session import VOICES
from agentlocator.web.visit import Visit
from agentlocator.web.words import said

MOST_PEOPLE: Final = 20

_CHOICES: Final = {
    "yield_after": {
        "300": said("At once, after 0.3 seconds of speech"),
        "320": said("As usual, after a third of a second"),
        "400": said("Patiently, after 0.4 seconds"),
        "500": said("Very patiently, after half a second"),
    },
    "end_of_turn": {
        "server_vad": said("When the caller has been silent"),
        "semantic_vad": said("When the sentence sounds finished"),
    },
    "turn_silence": {
        "300": said("0.3 seconds: quick, may cut a slow speaker short"),
        "400": said("0.4 seconds: as usual"),
        "600": said("0.6 seconds: unhurried"),
        "900": said("0.9 seconds: for callers who think aloud"),
    },
    "eagerness": {
        "auto": said("As the model sees fit"),
        "high": said("Eager: waits at most 2 seconds"),
        "medium": said("Medium: waits at most 4 seconds"),
        "low": said("Patient: waits at most 8 seconds"),
    },
}
_TITLES: Final = {
    "yield_after": (
        said("When a caller speaks over the assistant"),
        said("How long a caller must really speak before the assistant stops. Coughs and clicks never stop it."),
    ),
    "end_of_turn": (said("When is it the assistant's turn"), said("How the end of what a caller says is recognised.")),
    "turn_silence": (
        said("Silence that ends a turn"),
        said("Counts where the turn ends by silence. Shorter answers sooner; longer interrupts less."),
    ),
    "eagerness": (
        said("Patience with an unfinished sentence"),
        said("Counts where the turn ends with the sentence."),
    ),
    "dead_air": (
        said("Longest silence before help (seconds)"),
        said("If no answer comes for so long, the caller is passed to the number for emergencies, 3 to 10 seconds."),
    ),
    "silence_prompt": (
        said("Ask a silent caller after (seconds)"),
        said("When a caller says nothing for so long, the assistant asks whether he is there. 4 to 30 seconds."),
    ),
    "longest_call": (
        said("Longest call (minutes)"),
        said("Then the assistant says goodbye. 2 to 45 minutes."),
    ),
    "token_ceiling": (
        said("Longest single answer (tokens)"),
        said(
            "Some 20 tokens are a second of speech. An answer that reaches this is continued, never cut. 100 to 4096."
        ),
    ),
    "notice": (
        said("Notice before the greeting"),
        said("Is always said to the end, such as that the call is recorded. Empty: no notice. At most 300 characters."),
    ),
}
_FAULTS: Final = {
    "out_of_range": said("This is outside what works on a call. The bounds are written beside it."),
    "no_number": said("Type a whole number in digits."),
    "unknown": said("Choose one of the list."),
    "too_long": said("This is too long for callers to listen to. Shorten it."),
    "no_number_phone": said("This is no phone number. Type it with its area code, such as 03-5551234."),
    "taken": said("Calls may be passed to this number already."),
    "no_label": said("Give the person or desk a name; the assistant says it aloud."),
    "too_many": said("Remove one first: there are twenty."),
    "amount": said("Whole dollars, from 1 to 100,000. Empty: no cap."),
    "no_fallback": said("First name a number for emergencies, so that callers have somewhere to go."),
    "unreadable": said("The kept settings cannot be read. Ask the operator to put them right; calls go on as usual."),
}
_LANGUAGES: Final = {"he": "עברית", "en": "English", "ar": "العربية", "ru": "Русский"}


class Field(msgspec.Struct, frozen=True):
    """One setting as the form shows it. Without choices it is typed."""

    name: str
    title: str
    explained: str
    value: str
    choices: tuple[tuple[str, str], ...] = ()
    is_text: bool = False
    least: int = 0
    most: int = 0


async def show(visit: Visit) -> Response:
    return await _page(visit)


async def change(visit: Visit) -> Response:
    """The thresholds; all that are typed or none."""
    typed = {name: visit.text(name) for name in conduct.SETTINGS if name in visit.form}
    async with visit.writing() as scope:
        faults = await conduct.change(scope, typed, actor=visit.actor, now=visit.now)
    if faults:
        return await _page(visit, faults=faults, typed=typed)
    return _done(visit)


async def change_voice(visit: Visit) -> Response:
    """Who speaks, and in which language."""
    try:
        async with visit.writing() as scope:
            await businesses.change(
                scope, voice=visit.text("voice"), language=visit.text("language"), actor=visit.actor, now=visit.now
            )
    except BadSetting as no:
        return await _page(visit, faults={no.field: "unknown"})
    return _done(visit)


async def change_caps(visit: Visit) -> Response:
    daily, monthly, at_cap = visit.text("daily_usd"), visit.text("monthly_usd"), visit.text("at_cap")
    async with visit.writing() as scope:
        faults = await spending.set_caps(
            scope, daily=daily, monthly=monthly, at_cap=at_cap, actor=visit.actor, now=visit.now
        )
    if faults:
        typed = {"daily_usd": daily, "monthly_usd": monthly, "at_cap": at_cap}
        codes = {name: "amount" if code == "out_of_range" else code for name, code in faults.items()}
        return await _page(visit, faults=codes, typed=typed)
    return _done(visit)


async def change_people(visit: Visit) -> Response:
    """Whom calls may be handed to: one more, one less, or another number for emergencies."""
    typed = {name: visit.text(name) for name in ("number", "label", "fallback_number")}
    fault = await _change_people(visit, typed)
    return await _page(visit, faults=fault, typed=typed) if fault else _done(visit)


async def _change_people(visit: Visit, typed: dict[str, str]) -> dict[str, str]:
    actor, now = visit.actor, visit.now
    try:
        async with visit.writing() as scope:
            if "fallback_number" in visit.form:
                await businesses.change(scope, fallback_number=clean(typed["fallback_number"]), actor=actor, now=now)
            elif "remove" in visit.form:
                await businesses.remove_transfer_number(scope, visit.text("remove"), actor=actor, now=now)
            elif not clean(typed["label"]):
                return {"label": "no_label"}
            elif len((await businesses.show(scope)).transfer_numbers) >= MOST_PEOPLE:
                return {"number": "too_many"}
            elif not await businesses.add_transfer_number(scope, typed["number"], typed["label"], actor=actor, now=now):
                return {"number": "taken"}
    except BadSetting as no:
        return {"fallback_number" if no.field == "fallback_number" else "number": "no_number_phone"}
    return {}


def _done(visit: Visit) -> Response:
    return visit.redirect(visit.url("assistant/conduct") + "?kept=1")


async def _page(visit: Visit, *, faults: dict[str, str] | None = None, typed: dict[str, str] | None = None) -> Response:
    async with visit.reading() as scope:
        profile = await businesses.show(scope)
    typed, faults = typed or {}, dict(faults or {})
    caps = spending.caps(profile.policy)
    try:
        values = conduct.read(profile.policy)
    except msgspec.ValidationError:
        values, faults[""] = conduct.read({}), "unreadable"
    voices = VOICES if profile.voice in VOICES or not profile.voice else (profile.voice, *VOICES)
    return visit.render(
        "assistant_conduct.html",
        422 if typed or set(faults) - {""} else 200,
        section="assistant",
        profile=profile,
        fields=[_field(visit, name, typed.get(name, value)) for name, value in values.items()],
        faults={name: visit.gettext(_FAULTS[code]) for name, code in faults.items()},
        voices=voices,
        languages=[(code, _LANGUAGES[code]) for code in LANGUAGES],
        daily_usd=typed.get("daily_usd", caps.daily_usd or ""),
        monthly_usd=typed.get("monthly_usd", caps.monthly_usd or ""),
        at_cap=typed.get("at_cap", caps.at_cap),
        number=typed.get("number", ""),
        label=typed.get("label", ""),
        fallback=typed.get("fallback_number") or _phone(visit, profile.fallback_number),
        kept="kept" in visit.request.query_params and not faults,
    )


def _phone(visit: Visit, e164: str | None) -> str:
    return visit.phone(e164) if e164 else ""


def _field(visit: Visit, name: str, value: str) -> Field:
    setting, (title, explained) = conduct.SETTINGS[name], _TITLES[name]
    choices = [(code, visit.gettext(words)) for code, words in _CHOICES.get(name, {}).items()]
    if choices and value not in dict(choices):
        # What an operator set otherwise is shown as it is.
        choices.insert(0, (value, value))
    return Field(
        name,
        visit.gettext(title),
        visit.gettext(explained),
        value,
        tuple(choices),
        bool(setting.longest),
        setting.least,
        setting.most,
    )
