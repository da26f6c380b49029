// Tells the server once that a moment of an answer was heard: from its start, without a gap, nearly to its end.
const ENOUGH = 0.9;
const LATE_S = 0.3;

export class Hearing {
  // Without an answer (a recording's own page) nothing is told.
  constructor(answer) {
    this.answer = answer;
    this.told = false;
  }

  listen(media, moment) {
    if (!this.answer || this.told || !moment || media.muted || media.volume === 0) return;
    const start = Number(moment.dataset.start);
    const enough = start + ENOUGH * (Number(moment.dataset.end) - start);
    for (let at = 0; at < media.played.length; at += 1) {
      if (media.played.start(at) <= start + LATE_S && media.played.end(at) >= enough) this.tell(moment);
    }
  }

  // One try: it is worth no second request.
  tell(moment) {
    if (this.told) return;
    this.told = true;
    const form = new FormData();
    form.set("form_token", document.body.dataset.formToken);
    form.set("rank", moment.dataset.rank);
    fetch(`/questions/${this.answer}/played`, { method: "POST", body: form, keepalive: true }).catch(() => {});
  }
}
