// A microphone that stays warm for a while, and what it hears as a file: WAV by a worklet, else the browser's own.
import { resampled, wavOf, RATE_HZ } from "./wav.js";

export function whyNoMicrophone() {
  if (!window.isSecureContext) return "insecure";
  if (!navigator.mediaDevices?.getUserMedia) return "unsupported";
  if (!window.AudioWorkletNode && !window.MediaRecorder) return "unsupported";
  return null;
}

export function whyRefused(error) {
  if (error.name === "NotAllowedError" || error.name === "SecurityError") return "denied";
  if (error.name === "NotFoundError" || error.name === "OverconstrainedError") return "noMicrophone";
  return "broken";
}

export async function openRecorder({ onLevel, onLost }) {
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true },
  });
  for (const track of stream.getTracks()) track.addEventListener("ended", onLost);
  try {
    return await WorkletRecorder.over(stream, onLevel);
  } catch (error) {
    if (!window.MediaRecorder) throw error;
    return new BrowserRecorder(stream, onLevel);
  }
}

class WorkletRecorder {
  static async over(stream, onLevel) {
    const context = contextOf(stream);
    await context.audioWorklet.addModule(new URL("./worklet.js", import.meta.url));
    const node = new AudioWorkletNode(context, "collector", { numberOfOutputs: 0 });
    context.createMediaStreamSource(stream).connect(node);
    await context.resume();
    return new WorkletRecorder(stream, context, node, onLevel);
  }

  constructor(stream, context, node, onLevel) {
    Object.assign(this, { stream, context, node, blocks: [], peak: 0 });
    this.over = () => {};
    node.port.onmessage = ({ data }) => {
      if (data.block) this.blocks.push(data.block);
      if (data.level !== undefined) {
        this.peak = Math.max(this.peak, data.level);
        onLevel(data.level);
      }
      if (data.over) this.over();
    };
  }

  start() {
    this.blocks = [];
    this.peak = 0;
    this.node.port.postMessage("start");
  }

  async stop() {
    await new Promise((resolve) => {
      this.over = resolve;
      this.node.port.postMessage("stop");
    });
    const samples = joined(this.blocks);
    this.blocks = [];
    return wavOf(await resampled(samples, this.context.sampleRate));
  }

  get isSilent() {
    return this.peak < 1e-5;
  }

  close() {
    for (const track of this.stream.getTracks()) track.stop();
    this.context.close();
  }
}

class BrowserRecorder {
  constructor(stream, onLevel) {
    Object.assign(this, { stream, onLevel, isSilent: false });
  }

  start() {
    this.pieces = [];
    this.recorder = new MediaRecorder(this.stream);
    this.recorder.addEventListener("dataavailable", ({ data }) => this.pieces.push(data));
    this.recorder.start(250);
    this.onLevel(0.1);
  }

  stop() {
    return new Promise((resolve) => {
      this.recorder.addEventListener("stop", () => {
        resolve(new Blob(this.pieces, { type: this.recorder.mimeType }));
      });
      this.recorder.stop();
    });
  }

  close() {
    for (const track of this.stream.getTracks()) track.stop();
  }
}

function contextOf(stream) {
  try {
    const context = new AudioContext({ sampleRate: RATE_HZ });
    context.createMediaStreamSource(stream); // some browsers refuse a rate that is not the device's
    return context;
  } catch {
    return new AudioContext();
  }
}

function joined(blocks) {
  const samples = new Float32Array(blocks.reduce((total, block) => total + block.length, 0));
  let at = 0;
  for (const block of blocks) {
    samples.set(block, at);
    at += block.length;
  }
  return samples;
}
