"""Two believable Hebrew businesses, for demonstrations and for a first look. Seeding twice changes nothing."""

from __future__ import annotations

from datetime import UTC, datetime

from agentlocator.db.engine import Database
from agentlocator.domain import businesses, schedules, services
from agentlocator.domain.businesses import NewBusiness
from agentlocator.domain.profile import TransferTo
from agentlocator.domain.schedules import Settings, Week

CLINIC_NUMBER = "+97235550101"
GARAGE_NUMBER = "+97245550202"

_SUNDAY_TO_THURSDAY = range(5)
_FRIDAY = 5

_CLINIC_PROMPT = """\
המרפאה נמצאת ברחוב ויצמן 14 בתל אביב, קומה שנייה, עם מעלית. חניה בחניון ויצמן הצמוד.
מטפלים כאן ד״ר נועה לוי, רופאת שיניים, ושיננית.
מחירים: בדיקה ושיננית 350 שקלים, בדיקת רופא 200 שקלים, סתימה מ-400 שקלים, הלבנה 1,200 שקלים.
טיפול ראשון כולל צילום. אפשר לשלם באשראי, בביט או במזומן. יש הסדר עם קופות מכבי וכללית.
במקרה של כאב חזק, נפיחות או דימום יש להציע את התור הקרוב ביותר, ולהציע לדבר עם המרפאה.
לא נותנים ייעוץ רפואי או תרופות בטלפון."""

_GARAGE_PROMPT = """\
המוסך נמצא ברחוב יד חרוצים 8 באזור התעשייה בחיפה. מנהל המוסך הוא יוסי.
מחירים: טיפול שנתי מ-650 שקלים, הכנה לטסט 250 שקלים, החלפת צמיגים 80 שקלים לגלגל, אבחון תקלה 180 שקלים.
רכב היברידי או חשמלי: רק אבחון, בתיאום מראש. יש רכב חלופי, יש לבקש אותו בזמן קביעת התור.
כדאי לשאול לסוג הרכב ולשנת הייצור. אין למסור הצעת מחיר סופית לפני בדיקה."""

_CLINIC = NewBusiness(
    name="מרפאת שיניים ד״ר לוי",
    kind="מרפאת שיניים",
    numbers=(CLINIC_NUMBER,),
    greeting="שלום, הגעתם למרפאת השיניים של דוקטור לוי. במה אפשר לעזור?",
    custom_prompt=_CLINIC_PROMPT,
    fallback_number="+97235550199",
    transfer_numbers=(TransferTo("+97235550199", "דלפק הקבלה"),),
    resources=("ד״ר נועה לוי",),
)

_GARAGE = NewBusiness(
    name="מוסך הצפון",
    kind="מוסך",
    numbers=(GARAGE_NUMBER,),
    greeting="שלום, הגעתם למוסך הצפון. איך אפשר לעזור?",
    custom_prompt=_GARAGE_PROMPT,
    fallback_number="+97245550299",
    transfer_numbers=(TransferTo("+97245550299", "יוסי, מנהל המוסך"),),
    resources=("ליפט 1", "ליפט 2"),
)

_CLINIC_WEEK: Week = {
    **{day: [(8 * 60 + 30, 18 * 60)] for day in _SUNDAY_TO_THURSDAY},
    _FRIDAY: [(8 * 60 + 30, 13 * 60)],
}
_GARAGE_WEEK: Week = {day: [(7 * 60 + 30, 16 * 60 + 30)] for day in _SUNDAY_TO_THURSDAY}

# name, minutes, shekels
_CLINIC_SERVICES = (("בדיקה ושיננית", 30, 350), ("בדיקת רופא", 30, 200), ("סתימה", 60, 400), ("הלבנה", 60, 1200))
_GARAGE_SERVICES = (("טיפול שנתי", 45, 650), ("הכנה לטסט", 45, 250), ("החלפת צמיגים", 45, 320), ("אבחון תקלה", 45, 180))


async def seed_demo(db: Database, *, now: datetime | None = None) -> dict[str, int]:
    """Open the clinic and the garage unless they are there; answers number → business id."""
    now = now or datetime.now(UTC)
    return {
        CLINIC_NUMBER: await _open(
            db, _CLINIC, _CLINIC_WEEK, Settings(slot_interval_min=30, length_min=30), _CLINIC_SERVICES, now
        ),
        GARAGE_NUMBER: await _open(
            db, _GARAGE, _GARAGE_WEEK, Settings(slot_interval_min=45, length_min=45), _GARAGE_SERVICES, now
        ),
    }


async def _open(
    db: Database,
    new: NewBusiness,
    week: Week,
    settings: Settings,
    offered: tuple[tuple[str, int, int], ...],
    now: datetime,
) -> int:
    async with db.operator() as operator:
        known = await businesses.find_by_number(operator, new.numbers[0])
    if known is not None:
        return known
    async with db.operator(writing=True) as operator:
        business_id = await businesses.add(operator, new, now=now)
    async with db.scope(business_id) as scope:
        await schedules.change_settings(scope, settings, actor="seed", now=now)
        await schedules.set_active_days(scope, sorted(week), actor="seed", now=now)
        await schedules.set_week(scope, week, actor="seed", now=now)
        for name, duration_min, price_ils in offered:
            await services.add_service(scope, name, duration_min=duration_min, price_ils=price_ils)
    return business_id
