"""What the simulated model says and does: readable rules instead of a mind. Pure.

The brain sees only what a model would see: the items of the conversation, the instructions and the tools. It
remembers nothing of its own, so the same conversation always gets the same answer.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Protocol

import msgspec

Who = Literal["caller", "typed", "note", "assistant", "tool_call", "tool_output"]


class Speak(msgspec.Struct, frozen=True):
    """Say this, as an item of its own."""

    text: str


class CallTool(msgspec.Struct, frozen=True):
    """Call a function of the session."""

    name: str
    arguments: dict[str, Any] = {}


Act = Speak | CallTool


class Turn(msgspec.Struct, frozen=True):
    """One item of the conversation.

    `who`: "caller" spoke `text`, "typed" is text in the user's name, "note" is a system message, "tool_call" has
    its `name` and its arguments in `text`, "tool_output" the name of its call and the output in `text`.
    """

    who: Who
    text: str
    name: str = ""
    call_id: str = ""


class Conversation(msgspec.Struct, frozen=True):
    """All that a model knows when it is asked to answer.

    `instructions` are the session's; `request` is what this one response was told beyond them; `unfinished` is
    what an answer that hit its length limit had still to say.
    """

    turns: tuple[Turn, ...] = ()
    instructions: str = ""
    request: str = ""
    tools: tuple[Mapping[str, Any], ...] = ()
    unfinished: str = ""

    def last(self, who: Who, name: str = "") -> Turn | None:
        """The newest turn of that kind; for tools, of that name if one is given."""
        for turn in reversed(self.turns):
            if turn.who == who and name in ("", turn.name):
                return turn
        return None

    def tool(self, name: str) -> Mapping[str, Any] | None:
        """The tool of that name as the session declared it."""
        return next((tool for tool in self.tools if tool.get("name") == name), None)


class Brain(Protocol):
    """Whatever can answer a conversation."""

    def reply(self, heard: Conversation) -> list[Act]:
        """What to say and do now; nothing is an answer too."""
        ...


Answer = Act | Callable[[Conversation], list[Act]]


class When:
    """A rule for what the caller says: any of the phrases, parted by `|`, as whole words.

    A Hebrew word may carry its prefixes: "תור" is also heard in "לתור" and "שהתור", but not in "תורה".
    """

    def __init__(self, phrases: str, *answers: Answer, given: Callable[[Conversation], bool] | None = None) -> None:
        alternatives = "|".join(re.escape(phrase.strip()) for phrase in phrases.split("|"))
        self._pattern = re.compile(rf"(?<!\w)[והבלכמש]{{0,2}}(?:{alternatives})(?!\w)")
        self._given = given
        self._answers = answers

    def hears(self, text: str, heard: Conversation) -> bool:
        return self._pattern.search(text) is not None and (self._given is None or self._given(heard))

    def answer(self, heard: Conversation) -> list[Act]:
        return [act for answer in self._answers for act in _acts(answer, heard)]


class ScriptedBrain:
    """Answers by the first rule that fits; what every model does alike is built in.

    Built in: an order to say something exactly, to continue, to ask for a sign of life, to say goodbye; a tool's
    output (its `say` is spoken, then `after[name]`); keys from the keypad; and `otherwise` for the rest.
    """

    def __init__(
        self,
        rules: Sequence[When] = (),
        after: Mapping[str, Answer] | None = None,
        otherwise: Answer | None = None,
    ) -> None:
        self._rules = rules
        self._after = after or {}
        self._otherwise = otherwise or _LOST

    def reply(self, heard: Conversation) -> list[Act]:
        ordered = _obey(heard.request, heard)
        if ordered is not None:
            return ordered
        last = heard.turns[-1] if heard.turns else None
        if last is None:
            return _acts(self._otherwise, heard)
        if last.who == "note":
            return _obey(last.text, heard) or self._answer_caller(heard)
        if last.who == "tool_output":
            return self._report(heard)
        return self._answer_caller(heard)

    def _answer_caller(self, heard: Conversation) -> list[Act]:
        said = next((turn for turn in reversed(heard.turns) if turn.who in ("caller", "typed")), None)
        if said is None:
            return _acts(self._otherwise, heard)
        if not said.text:
            return [Speak("סליחה, לא שמעתי. אפשר לומר את זה שוב?")]
        if said.text.startswith(KEYPAD):
            return [Speak(f"קיבלתי: {' '.join(said.text.removeprefix(KEYPAD).strip())}.")]
        for rule in self._rules:
            if rule.hears(said.text, heard):
                return rule.answer(heard)
        return _acts(self._otherwise, heard)

    def _report(self, heard: Conversation) -> list[Act]:
        outputs: list[Turn] = []
        for turn in reversed(heard.turns):
            if turn.who not in ("tool_output", "tool_call"):
                break
            if turn.who == "tool_output":
                outputs.insert(0, turn)
        acts: list[Act] = []
        for output in outputs:
            reply = tool_reply(output)
            if reply.get("say"):
                acts.append(Speak(str(reply["say"])))
            if reply.get("ok") and output.name in self._after:
                acts += _acts(self._after[output.name], heard)
        return _joined(acts) or [Speak("הבנתי.")]


KEYPAD = "[keypad]"
"""How text that was typed on the telephone's keys begins."""

_LOST = Speak("אפשר לקבוע תור או להשאיר הודעה. במה אפשר לעזור?")


def receptionist() -> ScriptedBrain:
    """A receptionist who books: asks for times, takes the one picked, confirms in the tool's own words."""
    return ScriptedBrain(
        rules=[
            When("להתראות|ביי|לא תודה|זה הכול|זה הכל", Speak("תודה שהתקשרתם, להתראות."), _if_tool("end_call")),
            When("נציג|בן אדם|מישהו אנושי", _if_tool("transfer_to_human", Speak("אין כרגע נציג פנוי."))),
            When("קוראים לי|השם שלי", _note_name),
            When("לבטל", _if_tool("appointments_cancel", Speak("אי אפשר לבטל כאן."))),
            When(
                "ראשון|ראשונה|שני|שנייה|שלישי|שלישית|כן|מתאים|מעולה|בסדר|שעה|" + "|".join(_HOURS),
                _take_slot,
                given=lambda heard: bool(offered_slots(heard)),
            ),
            When("תור|פגישה|לקבוע|ביקור|מועד|להזיז", _find_slots),
            When("תודה", Speak("בשמחה. אפשר לעזור בעוד משהו?")),
            When("שלום|הלו|היי", Speak("שלום, במה אפשר לעזור?")),
        ],
        after=dict.fromkeys(_TAKES_A_SLOT, Speak("אפשר לעזור בעוד משהו?")),
    )


def boaster() -> ScriptedBrain:
    """A model that says it has booked without booking, as language models do."""
    return ScriptedBrain(rules=[When("תור", Speak("קבעתי לך תור ליום ראשון בעשר."))])


def tool_reply(output: Turn) -> dict[str, Any]:
    """A tool's output as its JSON object; text that is none becomes what there is to say."""
    try:
        reply = msgspec.json.decode(output.text)
    except msgspec.DecodeError:
        return {"say": output.text, "ok": False}
    return reply if isinstance(reply, dict) else {"say": str(reply), "ok": True}


def offered_slots(heard: Conversation) -> list[dict[str, Any]]:
    """The free times offered last and not yet booked."""
    for turn in reversed(heard.turns):
        if turn.who != "tool_output":
            continue
        reply = tool_reply(turn)
        if turn.name in _TAKES_A_SLOT and reply.get("ok"):
            return []
        slots = (reply.get("data") or {}).get("slots")
        if slots:
            return list(slots)
    return []


def picked_slot(text: str, slots: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The slot that the caller named by its place, its hour, or by agreeing; None if he named another."""
    clock = _spoken_clock(text)
    if clock is not None:
        return next((slot for slot in slots if _same_hour(str(slot["start"]), clock)), None)
    for place, pattern in enumerate(_PLACES):
        if pattern.search(text):
            return slots[place] if place < len(slots) else None
    return slots[0] if slots else None


def say_exactly(request: str) -> str | None:
    """The words that an instruction orders to be said as they stand, or None if it orders no such thing."""
    marker = _EXACTLY.search(request)
    if marker is None:
        return None
    rest = request[marker.end() :]
    quoted = _QUOTED.search(rest)
    if quoted is not None:
        return next(group for group in quoted.groups() if group is not None).strip()
    return rest.partition(":")[2].strip() or None


# What follows an opening quotation mark ends at one that closes a word: the one inside ד"ר does not.
_EXACTLY = re.compile(r"say exactly|word for word|מילה במילה|בדיוק", re.IGNORECASE)
_QUOTED = re.compile(r'“([^”]+)”|«([^»]+)»|"((?:[^"]|(?<=\w)"(?=\w))+)"', re.DOTALL)


def _obey(request: str, heard: Conversation) -> list[Act] | None:
    if not request:
        return None
    exact = say_exactly(request)
    if exact is not None:
        return [Speak(exact)]
    for pattern, text in _ORDERS:
        if pattern.search(request):
            return [Speak(text)]
    if _CONTINUE.search(request):
        return [Speak(heard.unfinished or "כפי שאמרתי, במה אפשר לעזור?")]
    return None


_CONTINUE = re.compile(r"continue|take up the conversation|המש[יך]", re.IGNORECASE)
_ORDERS = [
    (re.compile(pattern, re.IGNORECASE), text)
    for pattern, text in [
        (r"אבל לא נקבע|אבל הוא לא", "סליחה, טעיתי, עוד לא נקבע תור. אפשר לקבוע עכשיו."),
        (r"nobody answered", "אף אחד לא ענה שם. אפשר להשאיר הודעה, או שאעזור בעצמי."),
        (r"put through|connecting", "רגע אחד, השיחה מועברת."),
        (r"apologi[sz]e in one sentence", "סליחה, יש תקלה בקו. אפשר להתקשר שוב בעוד דקה. להתראות."),
        (r"goodbye|להיפרד", "תודה שהתקשרתם, להתראות."),
        (r"still there|עדיין על הקו", "אתם עדיין איתי? במה אפשר לעזור?"),
        (r"checking|one moment|רק רגע", "רק רגע, אני בודקת."),
    ]
]


def _acts(answer: Answer, heard: Conversation) -> list[Act]:
    return answer(heard) if callable(answer) else [answer]


def _joined(acts: list[Act]) -> list[Act]:
    """Sentences that follow each other are one spoken item."""
    joined: list[Act] = []
    for act in acts:
        before = joined[-1] if joined else None
        if isinstance(act, Speak) and isinstance(before, Speak):
            joined[-1] = Speak(f"{before.text} {act.text}")
        else:
            joined.append(act)
    return joined


def _if_tool(name: str, otherwise: Act | None = None) -> Answer:
    def call(heard: Conversation) -> list[Act]:
        if heard.tool(name) is not None:
            return [CallTool(name, _arguments(heard, name))]
        return [otherwise] if otherwise is not None else []

    return call


def _find_slots(heard: Conversation) -> list[Act]:
    return [CallTool("calendar_find_slots", _arguments(heard, "calendar_find_slots"))]


def _take_slot(heard: Conversation) -> list[Act]:
    said = heard.last("caller")
    slot = picked_slot(said.text if said else "", offered_slots(heard))
    if slot is None:
        return [Speak("השעה הזאת לא פנויה."), *_find_slots(heard)]
    moving = any(turn.who == "caller" and "להזיז" in turn.text for turn in heard.turns)
    name = _TAKES_A_SLOT[moving]
    return [CallTool(name, _arguments(heard, name, start=slot["start"]))]


_TAKES_A_SLOT = ("calendar_create_appointment", "appointments_reschedule")


def _note_name(heard: Conversation) -> list[Act]:
    said = heard.last("caller")
    name = _NAME.search(said.text) if said else None
    if name is None:
        return [Speak("איך קוראים לך?")]
    return [CallTool("leads_upsert", _arguments(heard, "leads_upsert", name=name[1].strip()))]


_NAME = re.compile(r"(?:קוראים לי|השם שלי(?: הוא)?)\s+([^,.?!]+)")
_CALLED: dict[str, tuple[str, ...]] = {
    "start": ("start", "starts_at", "start_at", "starts_local", "slot"),
    "name": ("name", "full_name", "customer_name"),
}


def _arguments(heard: Conversation, tool_name: str, **facts: Any) -> dict[str, Any]:
    """Fills a tool's parameters as its schema calls them; a required choice takes its first value."""
    schema = (heard.tool(tool_name) or {}).get("parameters") or {}
    properties: Mapping[str, Any] = schema.get("properties") or {}
    arguments: dict[str, Any] = {}
    for fact, value in facts.items():
        aliases = _CALLED[fact]
        arguments[next((alias for alias in aliases if alias in properties), aliases[0])] = value
    for name in schema.get("required") or ():
        choices = (properties.get(name) or {}).get("enum")
        if name not in arguments and choices:
            arguments[name] = choices[0]
    return arguments


_HOURS = {
    "אחת עשרה": 11,
    "שתים עשרה": 12,
    "שתיים עשרה": 12,
    "אחת": 1,
    "שתיים": 2,
    "שלוש": 3,
    "ארבע": 4,
    "חמש": 5,
    "שש": 6,
    "שבע": 7,
    "שמונה": 8,
    "תשע": 9,
    "עשר": 10,
}
_SPOKEN_HOUR = re.compile(rf"(?<!\w)[והבלמש]{{0,2}}({'|'.join(_HOURS)})(?!\w)")
_WRITTEN_HOUR = re.compile(r"(?<!\d)([01]?\d|2[0-3]):([0-5]\d)(?!\d)")
_PLACES = [re.compile(rf"(?<!\w)[הולב]{{0,2}}(?:{place})(?!\w)") for place in ("ראשונה?", "שנייה|שניה|שני", "שלישית?")]


def _spoken_clock(text: str) -> tuple[int, int] | None:
    """Hour and minute as said; the hour may be of either half of the day."""
    written = _WRITTEN_HOUR.search(text)
    if written is not None:
        return int(written[1]), int(written[2])
    spoken = _SPOKEN_HOUR.search(text)
    if spoken is None:
        return None
    minute = 30 if "וחצי" in text else 15 if "ורבע" in text else 0
    return _HOURS[spoken[1]], minute


def _same_hour(start: str, clock: tuple[int, int]) -> bool:
    hour, minute = int(start[11:13]), int(start[14:16])
    return hour % 12 == clock[0] % 12 and minute == clock[1]
