// Runs beside the sound card: keeps the last 300 ms at any time, so that the first syllable is never lost.
const PRE_ROLL_S = 0.3;
const LEVEL_EVERY_S = 0.05;

class Collector extends AudioWorkletProcessor {
  constructor() {
    super();
    this.recording = false;
    this.kept = [];
    this.keptLength = 0;
    this.power = 0;
    this.counted = 0;
    this.port.onmessage = ({ data }) => {
      if (data === "start") this.begin();
      if (data === "stop") this.end();
    };
  }

  begin() {
    for (const block of this.kept) this.port.postMessage({ block });
    this.kept = [];
    this.keptLength = 0;
    this.recording = true;
  }

  end() {
    this.recording = false;
    this.port.postMessage({ over: true });
  }

  keep(block) {
    this.kept.push(block);
    this.keptLength += block.length;
    while (this.keptLength - this.kept[0].length >= PRE_ROLL_S * sampleRate) {
      this.keptLength -= this.kept.shift().length;
    }
  }

  measure(block) {
    for (const sample of block) this.power += sample * sample;
    this.counted += block.length;
    if (this.counted >= LEVEL_EVERY_S * sampleRate) {
      this.port.postMessage({ level: Math.sqrt(this.power / this.counted) });
      this.power = 0;
      this.counted = 0;
    }
  }

  process([input]) {
    if (!input || input.length === 0) return true;
    const block = new Float32Array(input[0].length);
    for (const channel of input) {
      for (let at = 0; at < block.length; at += 1) block[at] += channel[at] / input.length;
    }
    this.measure(block);
    if (this.recording) this.port.postMessage({ block }, [block.buffer]);
    else this.keep(block);
    return true;
  }
}

registerProcessor("collector", Collector);
