// Sound in the page: frames of 20 ms µ-law at 8 kHz, played in lanes that are heard together.

export async function openPlayer(context = new AudioContext()) {
  await context.audioWorklet.addModule("/static/sound-player.js");
  const node = new AudioWorkletNode(context, "player", { outputChannelCount: [1] });
  const meter = new AnalyserNode(context, { fftSize: 512 });
  node.connect(meter).connect(context.destination);
  await context.resume();
  return new Player(context, node, meter);
}

class Player {
  constructor(context, node, meter) {
    this.context = context;
    this.node = node;
    this.meter = meter;
    this.onmark = () => {};
    node.port.onmessage = ({ data }) => this.onmark(data);
  }

  play(lane, frame) {
    this.node.port.postMessage({ lane, frame });
  }

  // The name comes back by `onmark` once everything before it was heard, or was cleared.
  mark(lane, name) {
    this.node.port.postMessage({ lane, mark: name });
  }

  clear(lane) {
    this.node.port.postMessage({ lane, clear: true });
  }

  // How loud it is now, 0 to 1.
  level() {
    const wave = new Float32Array(this.meter.fftSize);
    this.meter.getFloatTimeDomainData(wave);
    return Math.sqrt(wave.reduce((sum, one) => sum + one * one, 0) / wave.length);
  }

  close() {
    this.node.disconnect();
    return this.context.close();
  }
}
