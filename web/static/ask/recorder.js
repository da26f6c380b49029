// A microphone that stays warm for a while, and what it hears as a file: WAV by a worklet, else the browser's own.
import { resampled, wavOf, RATE_HZ } from "./wav.js";

const LONGEST_WAIT_MS = 800;

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
  // No noise suppression: it learns what noise is from the first second and takes the first word with it.
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: { channelCount: 1, echoCancellation: true, noiseSuppression: false, autoGainControl: true },
  });
  for (const track of stream.getTracks()) track.addEventListener("ended", onLost);
  try {
    return await WorkletRecorder.over(stream, onLevel);
  } catch (error) {
    if (!window.MediaRecorder) {
      for (const track of stream.getTracks()) track.stop();
      throw error;
    }
    return new BrowserRecorder(stream, onLevel);
  }
}

class WorkletRecorder {
  static async over(stream, onLevel) {
    const context = contextOf(stream);
    try {
      await context.audioWorklet.addModule(new URL("./worklet.js", import.meta.url));
      const node = new AudioWorkletNode(context, "collector", { numberOfOutputs: 0 });
      context.createMediaStreamSource(stream).connect(node);
      // On a page that nobody has touched yet this may never come to an end: a finger that holds is no touch so far.
      await Promise.race([context.resume(), pause(LONGEST_WAIT_MS)]);
      if (context.state !== "running") throw new Error("the page may not run sound yet");
      return new WorkletRecorder(stream, context, node, onLevel);
    } catch (error) {
      context.close();
      throw error;
    }
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
    const over = new Promise((resolve) => { this.over = resolve; });
    this.node.port.postMessage("stop");
    await Promise.race([over, pause(LONGEST_WAIT_MS)]); // a context that was interrupted answers no more
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
  const context = new AudioContext({ sampleRate: RATE_HZ });
  try {
    context.createMediaStreamSource(stream); // some browsers refuse a rate that is not the device's
    return context;
  } catch {
    context.close();
    return new AudioContext();
  }
}

function pause(lasting_ms) {
  return new Promise((resolve) => { window.setTimeout(resolve, lasting_ms); });
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
