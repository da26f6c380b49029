// The microphone button: hold, or tap to start and tap to stop; the space bar does the same. Escape throws away.
import { drop, keep, unsent } from "./kept_sound.js";
import { openRecorder, whyNoMicrophone, whyRefused } from "./recorder.js";
import { sendSound } from "./send.js";

const HOLD_MS = 400;
const CLICK_FOLLOWS_MS = 300;
const SHORTEST_MS = 300;
const LONGEST_S = 60;
const WARM_MS = 20000;

export function mountMicrophone(root) {
  const form = root.querySelector("[data-microphone]");
  if (form) new Microphone(form).mount();
}

class Microphone {
  constructor(form) {
    this.form = form;
    this.button = form.querySelector("[data-mic-button]");
    this.status = form.querySelector("[data-mic-status]");
    this.level = form.querySelector("[data-level]");
    this.left = form.querySelector("[data-seconds-left]");
    this.kept = form.querySelector("[data-kept]");
    this.answer = document.getElementById("answer");
    this.state = "idle";
  }

  mount() {
    this.mountSoundFile();
    this.mountKept();
    const why = this.form.dataset.hears === "no" ? "notHeard" : whyNoMicrophone();
    if (why) {
      this.say(why);
      return;
    }
    this.form.querySelector("[data-mic-side]").hidden = false;
    for (const hint of document.querySelectorAll("[data-with-microphone]")) hint.hidden = false;
    this.mountPointer();
    this.mountKeys();
    document.addEventListener("visibilitychange", () => {
      if (document.hidden && this.state === "idle") this.cool();
    });
  }

  mountPointer() {
    this.button.addEventListener("pointerenter", () => this.warmWhereAllowed());
    this.button.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      this.press();
      this.button.setPointerCapture(event.pointerId);
    });
    this.button.addEventListener("pointerup", () => { this.pointerUpAt = performance.now(); });
    // Voice control and screen readers click without a pointer; a click that follows one has been handled.
    this.button.addEventListener("click", () => {
      if (!(performance.now() - this.pointerUpAt < CLICK_FOLLOWS_MS)) this.press();
    });
    for (const kind of ["pointerup", "pointercancel"]) this.button.addEventListener(kind, () => this.release());
    this.button.addEventListener("contextmenu", (event) => event.preventDefault());
  }

  mountKeys() {
    const isOurs = (event) =>
      (event.code === "Space" && !event.shiftKey && (event.target === this.button || isFree(event.target))) ||
      (event.code === "Enter" && event.target === this.button);
    document.addEventListener("keydown", (event) => {
      if (event.code === "Escape" && this.state === "listening") this.throwAway();
      if (!isOurs(event) || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      if (!event.repeat) this.press();
    });
    document.addEventListener("keyup", (event) => {
      if (!isOurs(event)) return;
      event.preventDefault();
      this.release();
    });
  }

  press() {
    this.pressedAt = performance.now();
    if (this.state === "idle") this.listen();
    else if (this.state === "listening") this.finish();
    else if (this.state === "opening") this.wanted = false;
  }

  release() {
    const held = performance.now() - this.pressedAt >= HOLD_MS;
    if (!held) return;
    if (this.state === "listening") this.finish();
    if (this.state === "opening") this.wanted = false;
  }

  async listen() {
    hush();
    this.turn("opening");
    this.wanted = true;
    this.say("opening");
    try {
      await this.warm();
    } catch (error) {
      this.turn("idle");
      this.say(whyRefused(error));
      return;
    }
    if (!this.wanted) {
      this.coolLater();
      this.turn("idle");
      this.say("tooShort");
      return;
    }
    this.recorder.start();
    this.startedAt = performance.now();
    this.turn("listening");
    this.say("listening");
    this.clock = window.setInterval(() => this.tick(), 200);
    this.tick();
  }

  tick() {
    const left = LONGEST_S - (performance.now() - this.startedAt) / 1000;
    this.left.textContent = this.form.dataset.saysSecondsLeft.replace("{seconds}", Math.max(0, Math.ceil(left)));
    if (left <= 0) this.finish();
  }

  async finish() {
    performance.mark("earmark:released");
    const recorder = this.recorder;
    const lasted = performance.now() - this.startedAt;
    this.turn("thinking");
    let sound;
    try {
      sound = await recorder.stop();
    } catch {
      this.cool();
      this.turn("idle");
      this.say("broken");
      return;
    }
    this.coolLater();
    if (lasted < SHORTEST_MS || recorder.isSilent) {
      this.turn("idle");
      this.say(lasted < SHORTEST_MS ? "tooShort" : "silent");
      return;
    }
    await this.send(sound, this.fields());
  }

  async throwAway() {
    this.turn("thinking");
    try {
      await this.recorder.stop();
      this.coolLater();
    } catch {
      this.cool();
    }
    this.turn("idle");
    this.say(null);
  }

  async send(sound, fields, keptAs = null) {
    this.turn("thinking");
    this.say("thinking");
    const id = keptAs ?? (await keep(sound, fields));
    const outcome = await sendSound(sound, fields, this.answer);
    if (outcome === "answered" || outcome === "refused") await drop(id);
    this.turn("idle");
    this.say(null);
    await this.offerKept();
  }

  fields() {
    const data = new FormData(this.form);
    return Object.fromEntries(["course", "language"].flatMap((name) => (data.get(name) ? [[name, data.get(name)]] : [])));
  }

  async warm() {
    window.clearTimeout(this.cooling);
    if (this.recorder) return;
    this.opening ??= openRecorder({
      onLevel: (level) => this.show(level),
      onLost: () => this.lose(),
    });
    try {
      this.recorder = await this.opening;
    } finally {
      this.opening = null;
    }
  }

  // Before the button is pressed, where the person has allowed it already: so the first syllable is there.
  async warmWhereAllowed() {
    // A page that nobody has touched yet may not run sound: opening there would only wait.
    if (this.recorder || this.opening || navigator.userActivation?.hasBeenActive === false) return;
    try {
      const permission = await navigator.permissions.query({ name: "microphone" });
      if (permission.state !== "granted") return;
      await this.warm();
      if (this.state === "idle") this.coolLater();
    } catch {
      // Browsers that cannot tell are asked when the button is pressed.
    }
  }

  coolLater() {
    window.clearTimeout(this.cooling);
    this.cooling = window.setTimeout(() => this.state === "idle" && this.cool(), WARM_MS);
  }

  cool() {
    this.recorder?.close();
    this.recorder = null;
  }

  // The microphone went away: what was said until then is asked.
  async lose() {
    if (this.state === "listening") await this.finish();
    this.cool();
  }

  turn(state) {
    this.state = state;
    if (state !== "listening") {
      window.clearInterval(this.clock);
      this.left.textContent = "";
      this.level.style.transform = "";
    }
    this.form.dataset.state = state;
    this.button.setAttribute("aria-pressed", String(state === "listening"));
    const name = state === "listening" ? this.form.dataset.saysStop : this.form.dataset.saysHold;
    this.button.setAttribute("aria-label", name);
  }

  show(level) {
    if (this.state !== "listening") return;
    const decibels = 20 * Math.log10(Math.max(level, 1e-4));
    this.level.style.transform = `scaleX(${Math.max(0, Math.min(1, (decibels + 60) / 50)).toFixed(2)})`;
  }

  say(what) {
    const key = what && `says${what[0].toUpperCase()}${what.slice(1)}`;
    this.status.textContent = key ? this.form.dataset[key] : "";
  }

  mountSoundFile() {
    const chosen = this.form.querySelector("[data-sound-file]");
    chosen?.addEventListener("change", async () => {
      if (!chosen.files.length) return;
      const file = chosen.files[0];
      chosen.value = "";
      await this.sendFile(file);
    });
  }

  async sendFile(file) {
    if (this.state === "listening") await this.throwAway();
    if (this.state !== "idle") return;
    this.turn("thinking");
    this.say("thinking");
    const outcome = await sendSound(file, this.fields(), this.answer);
    this.turn("idle");
    this.say(outcome === "unreached" ? "unreached" : null); // the person still has the file: nothing is kept of it
  }

  mountKept() {
    this.kept.querySelector("[data-kept-send]").addEventListener("click", async () => {
      if (this.state !== "idle") return;
      const [latest] = await unsent();
      this.kept.hidden = true;
      if (!latest) return; // sent or thrown away in another tab
      await this.send(latest.sound, latest.fields, latest.id);
    });
    this.kept.querySelector("[data-kept-drop]").addEventListener("click", async () => {
      for (const { id } of await unsent()) await drop(id);
      this.kept.hidden = true;
    });
    this.offerKept();
  }

  async offerKept() {
    const [latest] = await unsent();
    this.kept.hidden = !latest;
    this.kept.querySelector("[data-kept-text]").textContent = latest ? this.form.dataset.saysUnsent : "";
  }
}

// What plays would be recorded with the question.
function hush() {
  for (const media of document.querySelectorAll("audio, video")) media.pause();
}

// Where the space bar belongs to nobody else: not to a field, a button, a link, nor to what plays.
function isFree(target) {
  return !target.closest?.("input, textarea, select, button, a, summary, video, audio, [data-player], [contenteditable]");
}
