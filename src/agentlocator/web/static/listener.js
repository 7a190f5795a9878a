// Listens to a running call: the server's pieces of 161 bytes become sound, whose side it is first.
import { openPlayer } from "./sound.js";

const PIECE = 161;
const CLEARED = 2;

export class Listener {
  constructor(url, changed) {
    this.url = url;
    this.changed = changed;
  }

  toggle() {
    return this.stopping ? this.stop() : this.#start();
  }

  stop() {
    this.stopping?.abort();
  }

  async #start() {
    const stopping = (this.stopping = new AbortController());
    this.changed(true);
    let player;
    try {
      player = await openPlayer();
      this.heard = 0;
      const answer = await fetch(this.url, { signal: stopping.signal });
      if (answer.ok) await this.#play(answer.body.getReader(), player);
    } catch (fault) {
      if (fault.name !== "AbortError") throw fault;
    } finally {
      player?.close();
      this.stopping = undefined;
      this.changed(false);
    }
  }

  async #play(reader, player) {
    let rest = new Uint8Array();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const all = new Uint8Array(rest.length + value.length);
      all.set(rest);
      all.set(value, rest.length);
      let at = 0;
      for (; at + PIECE <= all.length; at += PIECE) {
        if (all[at] === CLEARED) player.clear(1);
        else player.play(all[at], all.slice(at + 1, at + PIECE));
      }
      rest = all.slice(at);
    }
  }
}
