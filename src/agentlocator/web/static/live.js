// The live page: one card a call, kept up to date by the server's events.
import { Transcript, clock } from "./transcript.js";
import { Listener } from "./listener.js";

const stages = document.getElementById("stages");
const pattern = document.getElementById("stage");
const cards = new Map();
const LINGERS_MS = 30_000;

class Stage {
  constructor(call) {
    this.call = call;
    this.element = pattern.content.firstElementChild.cloneNode(true);
    this.element.dataset.call = call;
    this.transcript = new Transcript(this.$(".talk"));
    this.$(".after a").href = stages.dataset.calls + encodeURIComponent(call);
    const own = stages.dataset.live + encodeURIComponent(call);
    for (const form of this.element.querySelectorAll("form")) {
      form.action = `${own}/${form.dataset.act}`;
      form.addEventListener("submit", (event) => this.#stepIn(event, form));
    }
    const button = this.$(".listen");
    if (button) this.listener = new Listener(`${own}/sound`, (on) => button.setAttribute("aria-pressed", String(on)));
    button?.addEventListener("click", () => this.listener.toggle());
    stages.prepend(this.element);
  }

  $(selector) {
    return this.element.querySelector(selector);
  }

  show(told) {
    this.began_ms = performance.now() - told.age_ms;
    this.element.dataset.floor = told.floor;
    this.$(".floor span").textContent = told.words;
    if (told.who) {
      this.$(".name").textContent = told.who.name;
      this.$(".phone").textContent = told.who.phone;
    }
    this.transcript.show(told.lines);
    const receipt = this.$(".receipt");
    receipt.hidden = !told.receipt;
    if (told.receipt) {
      receipt.classList.toggle("refused", !told.receipt.ok);
      receipt.querySelector("code").textContent = told.receipt.name;
      receipt.querySelector("span").textContent = told.receipt.say;
    }
    this.tick();
    if (told.ending && !this.ended) this.#end(told);
  }

  tick() {
    if (!this.ended) this.$(".elapsed").textContent = clock(performance.now() - this.began_ms);
  }

  #end(told) {
    this.ended = true;
    this.listener?.stop();
    this.element.classList.add("ended");
    this.$(".floor span").textContent = told.ending;
    this.$(".after").hidden = false;
    setTimeout(() => this.remove(), LINGERS_MS);
  }

  remove() {
    this.listener?.stop();
    this.element.remove();
    if (cards.get(this.call) === this) cards.delete(this.call);
    showWhetherAnybodyIsThere();
  }

  async #stepIn(event, form) {
    event.preventDefault();
    const fields = new URLSearchParams(new FormData(form, event.submitter));
    form.closest("details").open = false;
    await fetch(form.action, { method: "POST", body: fields, redirect: "manual" });
  }
}

function showWhetherAnybodyIsThere() {
  document.getElementById("nobody").hidden = cards.size > 0;
}

function take(told) {
  for (const call of told) {
    let card = cards.get(call.call);
    if (card?.ended && call.who) {
      card.remove();
      card = undefined;
    }
    if (!card) {
      card = new Stage(call.call);
      cards.set(call.call, card);
    }
    card.show(call);
  }
  showWhetherAnybodyIsThere();
}

const source = new EventSource(stages.dataset.stream);
source.addEventListener("open", () => {
  // What was missed meanwhile is told again from the beginning.
  for (const card of [...cards.values()]) card.remove();
  document.getElementById("running").hidden = true;
  document.getElementById("following").hidden = false;
  document.getElementById("lost").hidden = true;
});
source.addEventListener("message", (event) => take(JSON.parse(event.data)));
source.addEventListener("error", () => {
  document.getElementById("following").hidden = true;
  document.getElementById("lost").hidden = false;
});
setInterval(() => cards.forEach((card) => card.tick()), 500);
