// One player a page: opens at the answer, plays exactly from there on, and carries its transcript along.
import { Hearing } from "./hearing.js";
import { Transcript } from "./transcript.js";

const players = new WeakMap();
const JUMP_S = 10;

export function mountPlayer(root) {
  const element = root.querySelector("[data-player]");
  if (element && !players.has(element)) players.set(element, new Player(element, root));
}

export function playerOf(root) {
  return players.get(root.querySelector("[data-player]"));
}

class Player {
  constructor(element, root) {
    this.element = element;
    this.recording = element.dataset.recording;
    this.media = element.querySelector("[data-media]:not([hidden])");
    this.moments = [...root.querySelectorAll("[data-moment]")];
    this.moment = this.moments.find((one) => one.getAttribute("aria-current") === "true") ?? null;
    this.transcript = new Transcript(element.querySelector("[data-transcript]"), {
      onSeek: (second) => this.playFrom(second),
    });
    this.chosen = null; // by a click or a key; until then it is the one that the page names
    this.answer = root.querySelector("[data-answer]");
    this.hearing = new Hearing(this.answer?.dataset.answer);
    for (const media of element.querySelectorAll("[data-media]")) this.listenTo(media);
    this.mountControls();
    this.mountMoments();
    document.addEventListener("keydown", (event) => this.key(event));
    document.addEventListener("htmx:afterSwap", () => this.tellChosen());
    this.openWhereAsked();
  }

  openWhereAsked() {
    const asked = this.moment?.dataset.start ?? this.element.dataset.openAt;
    if (asked === undefined) return;
    this.seek(Number(asked));
    this.transcript.light(Number(asked));
    if (this.element.dataset.openAt !== undefined) this.play();
  }

  listenTo(media) {
    media.addEventListener("timeupdate", () => this.follow());
    media.addEventListener("seeked", () => this.follow());
    media.addEventListener("playing", () => this.started());
    for (const kind of ["play", "pause", "ended"]) media.addEventListener(kind, () => this.showState());
    // The browser's own tick goes on in a tab that nobody looks at.
    for (const kind of ["timeupdate", "pause", "ended"]) media.addEventListener(kind, () => this.hearing.listen(media, this.moment));
    media.addEventListener("error", () => this.trouble(true));
    media.addEventListener("loadeddata", () => this.trouble(false));
  }

  started() {
    this.begun = true;
    if (performance.getEntriesByName("earmark:released").length) {
      performance.measure("earmark:release-to-sound", "earmark:released");
      performance.clearMarks("earmark:released");
    }
    const follow = () => {
      this.follow();
      if (this.media && !this.media.paused && this.element.isConnected) window.requestAnimationFrame(follow);
    };
    window.requestAnimationFrame(follow);
  }

  follow() {
    if (!this.media) return;
    const now = this.media.currentTime;
    if (this.element.dataset.windowed === "yes" && this.transcript.misses(now)) this.loadLines(now);
    this.transcript.light(now);
  }

  async loadLines(second) {
    if (this.loading) return;
    this.loading = true;
    const { recording } = this;
    const asked = new URLSearchParams({ at: second.toFixed(3) });
    if (this.moment) {
      asked.set("start", this.moment.dataset.start);
      asked.set("end", this.moment.dataset.end);
    }
    try {
      const reply = await fetch(`/recordings/${recording}/lines?${asked}`, { headers: { "HX-Request": "true" } });
      const lines = await reply.text();
      if (reply.ok && recording === this.recording) this.transcript.replace(lines);
    } finally {
      // Where nothing came, the next try waits a little.
      window.setTimeout(() => { this.loading = false; }, 1000);
    }
    this.transcript.light(this.media?.currentTime ?? second);
  }

  seek(second) {
    const media = this.media;
    if (!media) return;
    if (media.readyState >= HTMLMediaElement.HAVE_METADATA) {
      media.currentTime = second;
      return;
    }
    media.addEventListener("loadedmetadata", () => {
      if (Math.abs(media.currentTime - second) > 0.01) media.currentTime = second;
    }, { once: true });
  }

  // A browser that lets no page start sound by itself leaves it ready: the button then plays it.
  async play() {
    try {
      await this.media?.play();
    } catch (error) {
      if (error.name !== "NotAllowedError" && error.name !== "AbortError") this.trouble(true);
    }
  }

  playFrom(second) {
    this.seek(second);
    this.play();
  }

  toggle() {
    if (this.media?.paused) this.play();
    else this.media?.pause();
  }

  jump(by) {
    if (this.media) this.seek(Math.max(0, this.media.currentTime + by));
  }

  trouble(there) {
    this.element.querySelector("[data-trouble]").hidden = !there;
  }

  showState() {
    const playing = Boolean(this.media && !this.media.paused);
    for (const one of this.moments) one.toggleAttribute("data-playing", playing && one === this.moment);
  }

  mountControls() {
    const on = (name, act) => {
      const button = this.element.querySelector(`[data-${name}]`);
      if (!button) return;
      button.hidden = false;
      button.addEventListener("click", act);
    };
    on("back-ten", () => this.jump(-JUMP_S));
    on("to-now", () => this.transcript.backToNow());
    if (this.moments.length > 1) {
      on("previous", () => this.step(-1));
      on("next", () => this.step(1));
    }
    const found = this.element.querySelector("#found");
    found?.addEventListener("click", (event) => {
      const link = event.target.closest(".line");
      if (!link) return;
      event.preventDefault();
      this.playFrom(Number(link.dataset.start));
    });
  }

  mountMoments() {
    for (const moment of this.moments) {
      moment.querySelector("[data-play]").addEventListener("click", (event) => {
        event.preventDefault();
        if (moment === this.moment && this.begun) this.toggle();
        else this.choose(moment);
      });
      moment.querySelector("[data-earlier]").addEventListener("click", (event) => {
        event.preventDefault();
        const second = Math.max(0, Number(moment.dataset.start) - JUMP_S);
        this.choose(moment, second);
      });
    }
  }

  step(by) {
    const at = this.moments.indexOf(this.moment) + by;
    if (at >= 0 && at < this.moments.length) this.choose(this.moments[at]);
  }

  choose(moment, second = Number(moment.dataset.start)) {
    this.begun = true;
    for (const one of this.moments) one.removeAttribute("aria-current");
    moment.setAttribute("aria-current", "true");
    const changed = moment !== this.moment;
    this.moment = moment;
    this.chosen = moment;
    this.tellChosen();
    this.load(moment);
    this.playFrom(second);
    if (changed) {
      this.loading = false;
      this.loadLines(second);
    }
    this.showState();
  }

  // "Yes" below the moments is said of the one that was chosen last.
  tellChosen() {
    const rank = this.answer?.querySelector("[data-chosen-rank]");
    if (!rank || !this.chosen) return;
    const { title, rank: chosen } = this.chosen.dataset;
    rank.value = chosen;
    this.answer.querySelector("[data-chosen-time]").textContent = this.chosen.querySelector(".where time").textContent;
    this.answer.querySelector("[data-chosen-title]").textContent = title;
  }

  load(moment) {
    if (moment.dataset.recording === this.recording && this.media) return;
    this.media?.pause();
    const kind = moment.dataset.picture === "yes" ? "picture" : "sound";
    for (const media of this.element.querySelectorAll("[data-media]")) {
      media.hidden = media.dataset.media !== kind;
      if (media.hidden) media.removeAttribute("src");
      else this.media = media;
    }
    this.recording = moment.dataset.recording;
    this.media.src = `/media/${this.recording}`;
    this.media.setAttribute("aria-label", moment.dataset.title);
    const title = this.element.querySelector("[data-player-title]");
    if (title) title.textContent = moment.dataset.title;
  }

  key(event) {
    if (!this.element.isConnected || event.ctrlKey || event.metaKey || event.altKey) return;
    const { target } = event;
    if (target.closest?.("input, textarea, select, [contenteditable]")) return;
    if (event.key === "j" || event.key === "J") this.jump(-JUMP_S);
    else if (event.key === "l" || event.key === "L") this.jump(JUMP_S);
    else if (event.code === "Space" && this.ownsSpace(target)) {
      event.preventDefault();
      this.toggle();
    }
  }

  // On a recording's own page the space bar plays; beside an answer only while the focus is in the player.
  ownsSpace(target) {
    if (target.closest?.("button, summary, video, audio")) return false;
    if (this.element.dataset.keys === "yes") return true;
    return this.element.contains(target);
  }
}
