// The lines beside a player: the one being said is lit, a click goes there, arrows walk, scrolling follows.
const PATIENCE_MS = 4000;

export class Transcript {
  constructor(box, { onSeek }) {
    this.box = box;
    this.onSeek = onSeek;
    this.current = null;
    this.scrolledAt = -Infinity;
    box.addEventListener("click", (event) => this.click(event));
    box.addEventListener("keydown", (event) => this.walk(event));
    for (const kind of ["wheel", "touchmove", "pointerdown"]) {
      box.addEventListener(kind, () => { this.scrolledAt = performance.now(); }, { passive: true });
    }
    this.read();
  }

  read() {
    const list = this.box.querySelector("[data-lines]");
    this.links = list ? [...list.querySelectorAll(".line")] : [];
    this.starts = this.links.map((link) => Number(link.dataset.start));
    this.moreBefore = list?.dataset.moreBefore === "yes";
    this.moreAfter = list?.dataset.moreAfter === "yes";
    this.links.forEach((link, i) => { link.tabIndex = i === 0 ? 0 : -1; });
    this.current = null;
  }

  replace(html) {
    this.box.innerHTML = html;
    this.read();
  }

  // Whether a second lies outside what is shown of a longer transcript.
  misses(second) {
    if (!this.links.length) return this.moreBefore || this.moreAfter;
    const last = Number(this.links.at(-1).dataset.end);
    return (this.moreBefore && second < this.starts[0]) || (this.moreAfter && second > last);
  }

  light(second) {
    const link = this.at(second);
    if (link === this.current) return;
    this.current?.removeAttribute("aria-current");
    if (this.current && this.current !== document.activeElement) this.current.tabIndex = -1;
    this.current = link;
    if (!link) return;
    link.setAttribute("aria-current", "true");
    link.tabIndex = 0;
    if (performance.now() - this.scrolledAt > PATIENCE_MS) this.scrollTo(link);
  }

  at(second) {
    let low = 0;
    let high = this.starts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.starts[middle] <= second + 0.02) low = middle + 1;
      else high = middle;
    }
    return low > 0 ? this.links[low - 1] : null;
  }

  // Moves the box alone, never the page under the reader.
  scrollTo(link) {
    const box = this.box.getBoundingClientRect();
    const line = link.getBoundingClientRect();
    const top = this.box.scrollTop + (line.top - box.top) - (box.height - line.height) / 3;
    this.box.scrollTo({ top });
  }

  backToNow() {
    this.scrolledAt = -Infinity;
    if (this.current) this.scrollTo(this.current);
  }

  click(event) {
    const link = event.target.closest(".line");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    this.scrolledAt = -Infinity;
    this.onSeek(Number(link.dataset.start));
  }

  walk(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const from = this.links.indexOf(document.activeElement);
    const start = from < 0 ? this.links.indexOf(this.current) : from + step;
    const link = this.links[Math.max(0, Math.min(this.links.length - 1, start))];
    link?.focus();
  }
}
