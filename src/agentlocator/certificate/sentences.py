"""What a certificate says: the ten sections, and for each check its name and the way to put it right."""

from __future__ import annotations

from typing import Final

import msgspec

from agentlocator.certificate.verdicts import Words


class Told(msgspec.Struct, frozen=True):
    """A check in words."""

    title: Words
    remedy: Words


def _told(title_he: str, title_en: str, remedy_he: str, remedy_en: str) -> Told:
    return Told(Words(title_he, title_en), Words(remedy_he, remedy_en))


SECTIONS: Final = {
    1: (Words("רק Realtime", "Realtime only"), ("engines", "model_alive", "model_answers")),
    2: (
        Words("פורמט הקול בין Twilio למודל", "The format between Twilio and the model"),
        ("session_format", "frames", "untouched"),
    ),
    3: (Words("הנחיות המערכת", "The system prompt"), ("prompt_base", "prompt_own")),
    4: (Words("קטיעת דיבור", "Barge-in"), ("interrupted", "stopped", "heard_after", "noise")),
    5: (
        Words("ליד ותור במהלך השיחה", "Lead and appointment during the call"),
        ("lead", "lead_updated", "appointment", "taken_back"),
    ),
    6: (Words("הקשות", "Keypad"), ("keys", "keys_to_model")),
    7: (Words("ברכת הפתיחה", "The greeting"), ("greeting_by_model", "greeting_words", "no_recording")),
    8: (Words("השיחה עצמה", "The call itself"), ("taken", "doors", "log", "tx", "latency", "clear", "alarms")),
    9: (Words("סוכן הטקסט רק בוואטסאפ", "The text agent on WhatsApp only"), ("whatsapp_silent",)),
    10: (Words("הפרדה בין עסקים", "Businesses kept apart"), ("no_leaks", "other_doors")),
}

CHECKS: Final = {
    "engines": _told(
        "אין דרך משיחה אל מנוע דיבור אחר",
        "No other speech service can be reached from a call",
        "להסיר את ENABLE_STREAMING_STT ולהשאיר לעסק את מנוע Realtime; בקוד השיחה אין לייבא שירות דיבור אחר.",
        "Take ENABLE_STREAMING_STT out and leave the business on Realtime; the phone path imports no "
        "other speech service.",
    ),
    "model_alive": _told(
        "המודל עדיין פעיל אצל הספק",
        "The provider still runs the model",
        "לקבוע OPENAI_REALTIME_MODEL=gpt-realtime-2.1 (או חדש ממנו) ולהפעיל את השרת מחדש.",
        "Set OPENAI_REALTIME_MODEL=gpt-realtime-2.1 (or newer) and restart the server.",
    ),
    "model_answers": _told(
        "המודל עונה ומאשר את השיחה",
        "The model answers and confirms its session",
        "לבדוק את OPENAI_API_KEY, את OPENAI_REALTIME_MODEL, את היתרה בחשבון, ושהשרת מגיע אל OPENAI_REALTIME_URL.",
        "Check OPENAI_API_KEY, OPENAI_REALTIME_MODEL and the account's credit, and that "
        "OPENAI_REALTIME_URL is reachable.",
    ),
    "session_format": _told(
        "µ-law בשני הכיוונים",
        "µ-law both ways",
        "השיחה עם המודל חייבת להיות audio/pcmu בקלט ובפלט: לעדכן את הגרסה, ולבדוק ששום מתווך לא משנה את "
        "session.update.",
        "The session must be audio/pcmu both ways: update the release, and see that no proxy changes session.update.",
    ),
    "frames": _told(
        "כל מסגרת 160 בתים",
        "Every frame has 160 bytes",
        "כל מסגרת אל Twilio היא 20 מילישניות, 160 בתים: להסיר כל מתווך שמאחד או מפצל מסגרות, ולהפעיל גרסה רשמית.",
        "A frame to Twilio is 20 ms, 160 bytes: remove whatever joins or splits frames, and run a released version.",
    ),
    "untouched": _told(
        "הבתים של המודל מגיעים כמו שהם",
        "The model's bytes arrive untouched",
        "אין להמיר או לדגום מחדש את הקול בשום מקום בדרך: להסיר כל שכבה שמעבדת אותו.",
        "Nothing may convert or resample the sound on its way: remove the layer that does.",
    ),
    "prompt_base": _told(
        "ההנחיות שנשלחו הן ההנחיות שהוגדרו",
        "The prompt sent is the prompt configured",
        "להפעיל מחדש את השרת כדי שיטען את ההגדרות, ולהשוות עם `agentlocator prompt show`.",
        "Restart the server so that it reads the settings, and compare with `agentlocator prompt show`.",
    ),
    "prompt_own": _told(
        "הטקסט של העסק נכלל בהנחיות",
        "The business's own text is in the prompt",
        "לפרסם את הטקסט של העסק בדף ההגדרות, ולבדוק ב-`agentlocator prompt show` שהוא נכלל.",
        "Publish the business's text on the settings page, and see with `agentlocator prompt show` that it is there.",
    ),
    "interrupted": _told(
        "דיבור של המתקשר קוטע את העוזרת",
        "A caller who speaks interrupts the assistant",
        "להחזיר את ספי הקטיעה של העסק (policy.floor) לברירת המחדל.",
        "Put the business's interruption thresholds (policy.floor) back to their defaults.",
    ),
    "stopped": _told(
        "הקול נעצר בפחות מ-200 מילישניות",
        "The sound stops in under 200 ms",
        "להחזיר את policy.floor לברירת המחדל, להתקין את גלאי הדיבור (`scripts/setup run`), ולקרב את השרת ל-Twilio.",
        "Put policy.floor back to its defaults, install the speech detector (`scripts/setup run`), move "
        "closer to Twilio.",
    ),
    "heard_after": _told(
        "מה שנאמר בקטיעה נענה",
        "What was said into the sentence is answered",
        "הקטיעה לא מגיעה אל המודל: לבדוק את יומן השיחה במיקרוסקופ ולהחזיר את policy לברירת המחדל.",
        "The interruption does not reach the model: look at the call's microscope, and put policy back "
        "to its defaults.",
    ),
    "noise": _told(
        "רעש קצר לא קוטע",
        "A short noise does not interrupt",
        "להתקין את גלאי הדיבור (`scripts/setup run`) ולהחזיר את policy.floor לברירת המחדל.",
        "Install the speech detector (`scripts/setup run`) and put policy.floor back to its defaults.",
    ),
    "lead": _told(
        "נוצר ליד עם השיחה האחרונה",
        "A lead is made and knows its last call",
        "לבדוק שמסד הנתונים ניתן לכתיבה ומעודכן: `agentlocator migrate`.",
        "See that the database can be written to and is up to date: `agentlocator migrate`.",
    ),
    "lead_updated": _told(
        "הליד עודכן במהלך השיחה",
        "The lead is updated during the call",
        "לבדוק שהכלי leads_upsert מוצע למודל ושההנחיות מבקשות לשמור שם.",
        "See that the tool leads_upsert is offered to the model and that the prompt asks it to note the name.",
    ),
    "appointment": _told(
        "נקבע תור ונקשר לליד ולשיחה",
        "An appointment is booked, tied to lead and call",
        "לפתוח שעות פעילות ויומן בדף ההגדרות: בלי שעה פנויה אין מה לקבוע. אחר כך לבדוק את הכלי ביומן השיחה.",
        "Open hours and a diary on the settings page: without a free time nothing is booked. Then look "
        "at the tool's answer.",
    ),
    "taken_back": _told(
        "הבדיקה לא השאירה דבר",
        "The certification leaves nothing behind",
        "להריץ שוב: ריצה חדשה מנקה שאריות. אם זה חוזר, לבדוק הרשאות מחיקה במסד הנתונים.",
        "Run it again: a new run cleans up. If it stays, check the database's rights to delete.",
    ),
    "keys": _told(
        "ההקשה מגיעה אל השרת",
        "A pressed key arrives",
        "לבדוק ששום מתווך לא מסנן הודעות dtmf של Media Streams.",
        "See that nothing filters the dtmf messages of the media stream.",
    ),
    "keys_to_model": _told(
        "ההקשה נמסרת למודל כטקסט",
        "The key is given to the model as text",
        "להפעיל גרסה רשמית: ההקשות נמסרות כ-input_text של המודל ורק לו.",
        "Run a released version: keys go to the model as input_text, and nowhere else.",
    ),
    "greeting_by_model": _told(
        "המודל הוא שמברך",
        "The model speaks the greeting",
        "המודל לא השמיע קול: לבדוק את הקול (voice) של העסק ואת המודל, ולנסות OPENAI_REALTIME_VOICE=shimmer.",
        "The model made no sound: check the business's voice and the model, and try OPENAI_REALTIME_VOICE=shimmer.",
    ),
    "greeting_words": _told(
        "נאמרה הברכה של העסק",
        "The greeting is the business's own",
        "לפרסם ברכת פתיחה בדף ההגדרות.",
        "Publish a greeting on the settings page.",
    ),
    "no_recording": _told(
        "אין פתיחה מוקלטת או קול אחר",
        "No recorded opening, no other voice",
        "להסיר <Say>, <Play> ו-<Gather> מה-TwiML: הפתיחה היא של המודל.",
        "Take <Say>, <Play> and <Gather> out of the TwiML: the opening is the model's.",
    ),
    "taken": _told(
        "השרת עונה לשיחה",
        "The server takes the call",
        "לבדוק שהשרת פועל ונגיש, ש-TWILIO_AUTH_TOKEN ו-PUBLIC_URL הם אלה של השרת, ושהמספר שייך לעסק.",
        "See that the server runs and is reachable, that TWILIO_AUTH_TOKEN and PUBLIC_URL are the "
        "server's own, and that the number is a business's.",
    ),
    "doors": _told(
        "חתימה או אסימון מזויפים נדחים",
        "Forged signatures and tokens are refused",
        "לא להעביר תעבורה שעוקפת את אימות החתימה; להחליף MEDIA_TOKEN_SECRET ולהפעיל מחדש.",
        "Let no traffic past the signature check; change MEDIA_TOKEN_SECRET and restart.",
    ),
    "log": _told(
        "כל שורות היומן נכתבו",
        "Every log line is there",
        "לקבוע LOG_LEVEL=info, לוודא ש-DATA_DIR ניתן לכתיבה ושהבדיקה והשרת משתמשים באותו DATA_DIR.",
        "Set LOG_LEVEL=info, make DATA_DIR writable, and certify with the server's own DATA_DIR.",
    ),
    "tx": _told(
        "הקול יצא אל המתקשר",
        "The sound left for the caller",
        "המודל דיבר ושום מסגרת לא יצאה: לבדוק את ה-WebSocket של המדיה, את הפרוקסי שלפניו ואת יומן השיחה.",
        "The model spoke and no sound left: check the media WebSocket, the proxy before it, and the call's log.",
    ),
    "latency": _told(
        "התשובה מגיעה תוך 0.5–1.5 שניות",
        "Answers come within 0.5–1.5 s",
        "לקרב את השרת ל-OpenAI ול-Twilio, לבדוק עומס, ולשקול את policy.turn_detection ואת המודל.",
        "Move the server closer to OpenAI and Twilio, look at its load, and consider "
        "policy.turn_detection and the model.",
    ),
    "clear": _told(
        "דיבור ברור בשני הכיוונים",
        "Clear speech both ways",
        "הקול שקט מדי, רועש מדי או אינו דיבור: לבדוק שאין המרת פורמט (PCM במקום µ-law) ושהקו מעביר קול.",
        "The sound is too quiet, too loud or no speech: see that nothing converts it (PCM for µ-law), "
        "and that the line works.",
    ),
    "alarms": _told(
        "אין אזעקות בשיחה",
        "No alarms in the call",
        "לקרוא את פירוט האזעקה ביומן השיחה ולטפל בה.",
        "Read the alarm's detail in the call's log, and see to it.",
    ),
    "whatsapp_silent": _told(
        "דבר לא נשלח בוואטסאפ בזמן השיחה",
        "Nothing is sent on WhatsApp while the call runs",
        "לכבות כל תהליך אחר ששולח בוואטסאפ בשם העסק, ולהפעיל גרסה רשמית.",
        "Stop whatever else sends on WhatsApp for the business, and run a released version.",
    ),
    "no_leaks": _told(
        "שום דבר של עסק אחר לא הופיע בשיחה",
        "Nothing of another business is in the call",
        "להפסיק לענות בעסק הזה עד לבירור: לבדוק את המספרים של כל עסק ואת הכלי שהדליף.",
        "Stop answering for this business until it is understood: check each business's numbers, and "
        "the tool that leaked.",
    ),
    "other_doors": _told(
        "עסק אחר אינו מגיע אל השיחה",
        "Another business cannot reach the call",
        "להפעיל גרסה רשמית: שיחה נמצאת רק דרך המספר של העסק שלה.",
        "Run a released version: a call is found through its own business's number only.",
    ),
}
