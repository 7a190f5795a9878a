// On the browser's audio thread: decodes µ-law, brings 8 kHz to the loudspeaker's rate, and mixes the lanes.

const DECODED = Float32Array.from({ length: 256 }, (_, byte) => {
  const flipped = ~byte & 0xff;
  const magnitude = (((flipped & 0x0f) << 3) + 0x84) << ((flipped >> 4) & 7);
  return (flipped & 0x80 ? 0x84 - magnitude : magnitude - 0x84) / 32768;
});
// A lane begins when this much waits, so that uneven arrival is not heard; what is later than a second is skipped.
const LEAD = 480;
const MOST = 8_000;

class Lane {
  constructor(report) {
    this.report = report;
    this.queue = [];
    this.waiting = 0;
    this.frame = undefined;
    this.index = 0;
    this.before = 0;
    this.after = 0;
    this.phase = 1;
    this.running = false;
    this.patience = 0;
  }

  take({ frame, mark, clear }) {
    if (frame) {
      this.queue.push(frame);
      this.waiting += frame.length;
    }
    if (mark) this.queue.push(mark);
    if (clear) this.drop(0);
    if (this.waiting > MOST) this.drop(LEAD);
  }

  drop(keep) {
    this.frame = undefined;
    while (this.queue.length && (keep === 0 || this.waiting > keep)) {
      const one = this.queue.shift();
      if (typeof one === "string") this.report(one);
      else this.waiting -= one.length;
    }
  }

  next(step) {
    if (!this.running) {
      this.marks();
      if (this.waiting < LEAD && !(this.waiting && ++this.patience > 3_000)) return 0;
      this.running = true;
      this.patience = 0;
    }
    this.phase += step;
    while (this.phase >= 1) {
      this.phase -= 1;
      this.before = this.after;
      this.after = this.sample();
    }
    return this.before + (this.after - this.before) * this.phase;
  }

  sample() {
    while (!this.frame || this.index >= this.frame.length) {
      this.frame = undefined;
      this.marks();
      if (!this.queue.length) {
        this.running = false;
        return 0;
      }
      this.frame = this.queue.shift();
      this.waiting -= this.frame.length;
      this.index = 0;
    }
    return DECODED[this.frame[this.index++]];
  }

  marks() {
    while (!this.frame && typeof this.queue[0] === "string") this.report(this.queue.shift());
  }
}

class Player extends AudioWorkletProcessor {
  constructor() {
    super();
    const report = (mark) => this.port.postMessage(mark);
    this.lanes = [new Lane(report), new Lane(report)];
    this.port.onmessage = ({ data }) => this.lanes[data.lane].take(data);
  }

  process(_inputs, [[output]]) {
    const step = 8_000 / sampleRate;
    for (let at = 0; at < output.length; at++) {
      let sum = 0;
      for (const lane of this.lanes) sum += lane.next(step);
      output[at] = Math.max(-1, Math.min(1, sum));
    }
    return true;
  }
}

registerProcessor("player", Player);
