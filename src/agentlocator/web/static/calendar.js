// Draws the calendar. It decides nothing: a move is the server's to allow, and what it refuses goes back.
const root = document.getElementById("calendar");
const told = document.getElementById("told");
const given = root.dataset;
const may = given.may === "yes";
const isNarrow = matchMedia("(max-width: 48rem)").matches;
const hidden = new Set();

const views = isNarrow ? "timeGridDay,listWeek,dayGridMonth" : "timeGridDay,timeGridWeek,dayGridMonth,listWeek";
const calendar = new FullCalendar.Calendar(root, {
  locale: given.language,
  direction: given.direction,
  firstDay: 0,
  // The feed writes the business's wall clock, and so does the browser: no zone is ever reckoned here.
  timeZone: "UTC",
  now: given.now,
  initialDate: given.now.slice(0, 10),
  initialView: isNarrow ? "timeGridDay" : "timeGridWeek",
  headerToolbar: isNarrow ? { start: "prev,next", center: "title", end: "today" } : { start: "prev,next today", center: "title", end: views },
  footerToolbar: isNarrow ? { center: views } : undefined,
  buttons: {
    today: { text: given.today },
    dayGridMonth: { text: given.month },
    timeGridWeek: { text: given.week },
    timeGridDay: { text: given.day },
    listWeek: { text: given.list },
  },
  slotMinTime: given.first,
  slotMaxTime: given.last,
  slotDuration: given.step,
  slotHeaderFormat: { hour: "2-digit", minute: "2-digit", hour12: false },
  eventTimeFormat: { hour: "2-digit", minute: "2-digit", hour12: false },
  businessHours: JSON.parse(given.opening),
  nowIndicator: true,
  height: "auto",
  dayMaxEvents: 4,
  eventDurationEditable: false,
  slotEventOverlap: false,
  eventStartEditable: may,
  eventSources: [{ url: `${given.url}/feed`, failure: () => tell(given.unread, true) }],
  eventContent: (shown) => (shown.event.extendedProps.kind === "appointment" ? { domNodes: drawn(shown) } : true),
  eventDidMount: (shown) => conceal(shown.el, shown.event),
  // A cell's label would hide from a reader what stands in the cell.
  dayCellDidMount: (cell) => cell.el.removeAttribute("aria-label"),
  eventDrop: moved,
  dateClick: (at) => {
    if (may) location.assign(`${given.url}/new?start=${encodeURIComponent(at.dateStr.slice(0, 16))}`);
  },
});
calendar.render();
// It first draws and then measures: nobody needs to see the one jump to the other.
requestAnimationFrame(() => requestAnimationFrame(() => root.classList.add("drawn")));

for (const box of document.querySelectorAll(".lane input")) {
  box.addEventListener("change", () => {
    if (box.checked) hidden.delete(box.value);
    else hidden.add(box.value);
    for (const event of calendar.getEvents()) {
      if (event.extendedProps.kind === "appointment") event.setProp("display", isHidden(event) ? "none" : "auto");
    }
  });
}

function isHidden(event) {
  return hidden.has(String(event.extendedProps.resource));
}

function conceal(element, event) {
  if (event.extendedProps.kind === "appointment" && isHidden(event)) element.hidden = true;
}

function drawn(shown) {
  const { service, staff, source, sign } = shown.event.extendedProps;
  // Where the place says the hour, the name has the room.
  const hour = shown.view.type === "dayGridMonth" ? [part("bdi", "at", [shown.event.startStr.slice(11, 16)])] : [];
  const first = part("span", "first", [badge(sign, source), ...hour, part("b", "", [shown.event.title])]);
  const inside = shown.view.type.startsWith("timeGrid") ? "inside placed" : "inside";
  return [part("span", inside, [first, part("span", "more", [[service, staff].filter(Boolean).join(" · ")])])];
}

function part(name, kind, children) {
  const made = document.createElement(name);
  if (kind) made.className = kind;
  if (typeof children[0] === "string") made.dir = "auto";
  made.append(...children);
  return made;
}

function badge(sign, words) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `/static/signs.svg#${sign}`);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", words);
  svg.append(use);
  return svg;
}

async function moved(drop) {
  const answer = await post(`${given.url}/${drop.event.id}/move`, { start: drop.event.startStr.slice(0, 16) });
  if (!answer.ok) drop.revert();
  tell(answer.words, !answer.ok);
}

async function post(url, fields) {
  try {
    const response = await fetch(url, {
      method: "POST",
      body: new URLSearchParams(fields),
      headers: { "X-CSRF-Token": given.csrf, Accept: "application/json" },
    });
    return { ok: response.ok, words: (await response.json()).words };
  } catch {
    return { ok: false, words: given.lost };
  }
}

function tell(words, isFault) {
  told.textContent = words;
  told.classList.toggle("fault", isFault);
}
