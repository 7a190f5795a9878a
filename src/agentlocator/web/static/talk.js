// The test call: a telephone, and beside it what the live stream tells of its call.
import { Telephone } from "./telephone.js";
import { Transcript, clock } from "./transcript.js";

const booth = document.getElementById("talk");
const $ = (selector) => booth.querySelector(selector);
const form = $("form");
const state = document.getElementById("state");
const SHOWN = [".floor", ".levels", ".tiles"];
let telephone;

const source = new EventSource(booth.dataset.stream);
source.addEventListener("message", ({ data }) => {
  for (const told of JSON.parse(data)) if (told.call === telephone?.calling) follow(told);
});

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const phone = (telephone = new Telephone());
  const fields = new URLSearchParams(new FormData(form));
  reset();
  try {
    await phone.pickUp();
  } catch {
    return fail(booth.dataset.denied, phone);
  }
  const answer = await fetch(form.action, { method: "POST", body: fields });
  if (!answer.ok) return fail(answer.status === 409 ? await answer.text() : booth.dataset.failed, phone);
  const ticket = await answer.json();
  phone.calling = ticket.call;
  phone.waits = [];
  phone.transcript = new Transcript($("ol.talk"));
  phone.onlevels = (mine, its) => {
    $(".mine").value = Math.min(1, mine * 1.5);
    $(".its").value = Math.min(1, its * 4);
  };
  phone.onover = () => over(phone);
  phone.dial(ticket);
  state.textContent = booth.dataset.talking;
  phone.began_ms = performance.now();
  for (const part of SHOWN) $(part).hidden = false;
  phone.ticking = setInterval(() => ($(".elapsed bdi").textContent = clock(performance.now() - phone.began_ms)), 500);
});
$(".stop").addEventListener("click", () => telephone.hangUp());
addEventListener("pagehide", () => telephone?.hangUp());

function reset() {
  state.textContent = booth.dataset.calling;
  $("ol.talk").replaceChildren();
  for (const part of [".receipt", ".after", ".start"]) $(part).hidden = true;
  for (const tile of booth.querySelectorAll(".last bdi, .usual bdi")) tile.textContent = "–";
  $("fieldset").hidden = true;
  $(".stop").hidden = false;
}

function ready() {
  $("fieldset").hidden = false;
  $(".stop").hidden = true;
  $(".start").hidden = false;
}

function fail(words, phone) {
  phone.onover = () => {};
  phone.hangUp();
  ready();
  state.textContent = words;
}

function over(phone) {
  clearInterval(phone.ticking);
  ready();
  state.textContent = booth.dataset.over;
  for (const part of [".floor", ".levels"]) $(part).hidden = true;
  $(".after").hidden = false;
  $(".after a").href = booth.dataset.calls + encodeURIComponent(phone.calling);
}

function follow(told) {
  const phone = telephone;
  booth.dataset.floor = told.floor;
  $(".floor span").textContent = told.words;
  phone.transcript.show(told.lines);
  for (const line of told.lines) {
    // The greeting answers nobody.
    if (line.speaker === "caller") phone.hasSpoken = true;
    if (phone.hasSpoken && line.settled && line.latency_ms !== null) phone.waits.push(line.latency_ms);
  }
  if (phone.waits.length) {
    const sorted = phone.waits.toSorted((one, other) => one - other);
    $(".last bdi").textContent = seconds(phone.waits.at(-1));
    $(".usual bdi").textContent = seconds(sorted[sorted.length >> 1]);
  }
  const receipt = $(".receipt");
  receipt.hidden = !told.receipt;
  if (told.receipt) {
    receipt.querySelector("code").textContent = told.receipt.name;
    receipt.querySelector("span").textContent = told.receipt.say;
  }
  if (told.ending) state.textContent = `${booth.dataset.over} ${told.ending}`;
}

$(".start").disabled = false;

function seconds(ms) {
  return `${(ms / 1000).toFixed(1)} s`;
}
