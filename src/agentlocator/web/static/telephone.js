// A telephone in the page: speaks the carrier's messages over the media stream, with the microphone and a loudspeaker.
import { openPlayer } from "./sound.js";

const ASSISTANT = 1;

export class Telephone {
  constructor() {
    this.onlevels = () => {};
    this.onover = () => {};
  }

  // Asks for the microphone; throws what the browser throws when it is refused.
  async pickUp() {
    const wishes = { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 };
    this.microphone = await navigator.mediaDevices.getUserMedia({ audio: wishes });
    this.player = await openPlayer();
    const { context } = this.player;
    await context.audioWorklet.addModule("/static/microphone.js");
    this.source = context.createMediaStreamSource(this.microphone);
    this.tap = new AudioWorkletNode(context, "microphone", { numberOfOutputs: 0 });
  }

  dial({ call, token, media }) {
    const address = new URL(media, location);
    address.protocol = address.protocol.replace("http", "ws");
    this.stream = `MZ${crypto.randomUUID().replaceAll("-", "")}`;
    this.sequence = 0;
    this.socket = new WebSocket(address);
    this.socket.onopen = () => this.#start(call, token);
    this.socket.onmessage = ({ data }) => this.#hear(JSON.parse(data));
    this.socket.onclose = () => this.hangUp();
    this.player.onmark = (name) => this.#say({ event: "mark", mark: { name } });
  }

  hangUp() {
    if (this.isOver) return;
    this.isOver = true;
    this.#say({ event: "stop", stop: { accountSid: "browser", callSid: this.call } });
    this.socket?.close();
    this.source?.disconnect();
    this.microphone?.getTracks().forEach((track) => track.stop());
    this.player?.close();
    this.onover();
  }

  #start(call, token) {
    this.call = call;
    this.socket.send(JSON.stringify({ event: "connected", protocol: "Call", version: "1.0.0" }));
    const mediaFormat = { encoding: "audio/x-mulaw", sampleRate: 8000, channels: 1 };
    const details = { streamSid: this.stream, accountSid: "browser", callSid: call, tracks: ["inbound"], mediaFormat };
    this.#say({ event: "start", start: { ...details, customParameters: { token } } });
    this.tap.port.onmessage = ({ data }) => this.#speak(data);
    this.source.connect(this.tap);
  }

  #speak({ frame, level }) {
    const payload = btoa(String.fromCharCode(...frame));
    const timestamp = String(this.sequence * 20);
    this.#say({ event: "media", media: { track: "inbound", chunk: String(this.sequence), timestamp, payload } });
    this.onlevels(level, this.player.level());
  }

  #hear(message) {
    if (message.event === "media") {
      const frame = Uint8Array.from(atob(message.media.payload), (letter) => letter.charCodeAt(0));
      this.player.play(ASSISTANT, frame);
    } else if (message.event === "mark") this.player.mark(ASSISTANT, message.mark.name);
    else if (message.event === "clear") this.player.clear(ASSISTANT);
  }

  #say(message) {
    if (this.socket?.readyState !== WebSocket.OPEN) return;
    this.sequence += 1;
    this.socket.send(JSON.stringify({ sequenceNumber: String(this.sequence), streamSid: this.stream, ...message }));
  }
}
