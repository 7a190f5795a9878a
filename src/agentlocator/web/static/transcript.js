// A talk on the screen: lines that grow, settle, or turn out never to have been heard. Words are only ever text.

export class Transcript {
  constructor(list) {
    this.list = list;
    this.lines = new Map();
  }

  show(lines) {
    const atEnd = this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < 40;
    for (const line of lines) this.#show(line);
    if (atEnd) this.list.scrollTop = this.list.scrollHeight;
  }

  #show(line) {
    let item = this.lines.get(line.key);
    if (line.settled && !line.text) {
      item?.remove();
      this.lines.delete(line.key);
      return;
    }
    if (!item) {
      item = document.createElement("li");
      const words = document.createElement("p");
      words.dir = "auto";
      const note = document.createElement("small");
      note.className = "soft";
      note.append(document.createElement("bdi"));
      item.append(words, note);
      this.lines.set(line.key, item);
      this.list.append(item);
    }
    item.className = ["assistant", "keypad"].includes(line.speaker) ? line.speaker : "caller";
    item.classList.toggle("draft", !line.settled);
    item.querySelector("p").textContent = line.text || "…";
    const wait = line.latency_ms;
    item.querySelector("bdi").textContent = wait === null ? "" : `${(wait / 1000).toFixed(1)} s`;
  }
}

export function clock(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
