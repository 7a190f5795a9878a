// Lets cards be dragged between columns. Each card's own form does the same without it.
const alarm = document.querySelector("#not-moved");
let dragged = null;

const board = () => document.querySelector("#board");
const step = (event) => (event.target instanceof Element ? event.target.closest(".step") : null);

const prepare = () => {
  for (const card of board().querySelectorAll("[data-move]")) card.draggable = true;
};

const move = async (card, stage) => {
  const answer = await fetch(card.dataset.move, {
    method: "POST",
    headers: { "X-CSRF-Token": board().dataset.csrf },
    body: new URLSearchParams({ stage, back: "board" }),
  });
  if (!answer.ok) throw new Error(String(answer.status));
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("#board");
  // Whoever was logged out meanwhile got another page.
  if (!fresh) throw new Error("no board");
  const scrolled = board().scrollLeft;
  board().replaceWith(document.importNode(fresh, true));
  board().scrollLeft = scrolled;
  prepare();
};

document.addEventListener("dragstart", (event) => {
  dragged = event.target instanceof Element ? event.target.closest("[data-move]") : null;
  if (!dragged) return;
  dragged.classList.add("dragged");
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", "");
});
document.addEventListener("dragend", () => {
  dragged?.classList.remove("dragged");
  for (const one of document.querySelectorAll(".step.over")) one.classList.remove("over");
  dragged = null;
});
document.addEventListener("dragover", (event) => {
  const over = step(event);
  if (!dragged || !over) return;
  event.preventDefault();
  for (const one of document.querySelectorAll(".step.over")) one.classList.toggle("over", one === over);
  over.classList.add("over");
});
document.addEventListener("drop", (event) => {
  const to = step(event);
  if (!dragged || !to) return;
  event.preventDefault();
  const card = dragged;
  if (card.closest(".step") === to) return;
  alarm.hidden = true;
  move(card, to.dataset.stage).catch(() => {
    alarm.hidden = false;
  });
});

prepare();
