// On the browser's audio thread: brings the microphone down to 8 kHz, and hands it on as 20 ms of µ-law at a time.

const FRAME = 160;
const TAPS = 63;

// What lies above the telephone's band is taken away first; otherwise it would come back as noise inside of it.
function lowPass(cutoff) {
  const middle = (TAPS - 1) / 2;
  const taps = Float32Array.from({ length: TAPS }, (_, at) => {
    const x = at - middle;
    const ideal = x === 0 ? 2 * cutoff : Math.sin(2 * Math.PI * cutoff * x) / (Math.PI * x);
    return ideal * (0.54 - 0.46 * Math.cos((2 * Math.PI * at) / (TAPS - 1)));
  });
  const sum = taps.reduce((all, one) => all + one, 0);
  return taps.map((one) => one / sum);
}

function encode(sample) {
  const pcm = Math.max(-32_635, Math.min(32_635, Math.round(sample * 32_768)));
  const sign = pcm < 0 ? 0x80 : 0;
  const magnitude = Math.abs(pcm) + 0x84;
  const exponent = Math.max(0, 24 - Math.clz32(magnitude));
  return ~(sign | (exponent << 4) | ((magnitude >> (exponent + 3)) & 0x0f)) & 0xff;
}

class Microphone extends AudioWorkletProcessor {
  constructor() {
    super();
    this.taps = lowPass(Math.min(0.5, 3_600 / sampleRate));
    this.past = new Float32Array(TAPS);
    this.at = 0;
    this.phase = 0;
    this.frame = new Uint8Array(FRAME);
    this.filled = 0;
    this.loudest = 0;
  }

  process([[input]]) {
    if (!input) return true;
    const step = 8_000 / sampleRate;
    for (const sample of input) {
      this.past[this.at] = sample;
      this.at = (this.at + 1) % TAPS;
      this.phase += step;
      if (this.phase >= 1) {
        this.phase -= 1;
        this.take(this.filtered());
      }
    }
    return true;
  }

  filtered() {
    let sum = 0;
    for (let tap = 0; tap < TAPS; tap++) sum += this.taps[tap] * this.past[(this.at + tap) % TAPS];
    return sum;
  }

  take(sample) {
    this.loudest = Math.max(this.loudest, Math.abs(sample));
    this.frame[this.filled++] = encode(sample);
    if (this.filled < FRAME) return;
    this.port.postMessage({ frame: this.frame, level: this.loudest });
    this.frame = new Uint8Array(FRAME);
    this.filled = 0;
    this.loudest = 0;
  }
}

registerProcessor("microphone", Microphone);
