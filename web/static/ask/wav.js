// Samples to a 16 kHz mono WAV file. Pure, but for the resampling, which the browser does.
export const RATE_HZ = 16000;

export async function resampled(samples, rate) {
  if (rate === RATE_HZ || samples.length === 0) return samples;
  const length = Math.max(1, Math.round((samples.length * RATE_HZ) / rate));
  const offline = new OfflineAudioContext(1, length, RATE_HZ);
  const buffer = offline.createBuffer(1, samples.length, rate);
  buffer.copyToChannel(samples, 0);
  const source = offline.createBufferSource();
  source.buffer = buffer;
  source.connect(offline.destination);
  source.start();
  return (await offline.startRendering()).getChannelData(0);
}

export function wavOf(samples) {
  const view = new DataView(new ArrayBuffer(44 + 2 * samples.length));
  const text = (at, letters) => [...letters].forEach((letter, i) => view.setUint8(at + i, letter.charCodeAt(0)));
  text(0, "RIFF");
  view.setUint32(4, 36 + 2 * samples.length, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, RATE_HZ, true);
  view.setUint32(28, 2 * RATE_HZ, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, "data");
  view.setUint32(40, 2 * samples.length, true);
  samples.forEach((sample, i) => {
    const clipped = Math.max(-1, Math.min(1, sample));
    view.setInt16(44 + 2 * i, Math.round(clipped * 32767), true);
  });
  return new Blob([view], { type: "audio/wav" });
}
