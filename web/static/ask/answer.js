// What happens to the page when an answer arrives: the heard words go into the field, the answer is announced.
import { playerOf } from "../player/player.js";

export function mountAnswer(target, { spoken }) {
  document.getElementById("below")?.remove();
  const answer = target.querySelector("[data-answer]");
  if (!answer) return;
  const question = document.getElementById("question");
  if (question) question.value = answer.dataset.text;
  const back = document.querySelector("[action=\"/language\"] [name=back]"); // the switch of languages leads back to this answer
  if (back) back.value = window.location.pathname;
  document.title = `${answer.dataset.text} · Earmark`;
  announce(target.querySelector("#verdict"));
  // A voice asked, a voice answers: where the answer is certain it is heard at once.
  if (spoken && answer.dataset.verdict === "answered") playerOf(target)?.play();
}

// The heading takes the focus, so that a screen reader says it; the page moves only where it is out of sight.
function announce(verdict) {
  if (!verdict) return;
  verdict.focus({ preventScroll: true });
  if (verdict.getBoundingClientRect().top < window.innerHeight * 0.6) return;
  const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  verdict.scrollIntoView({ block: "start", behavior: still ? "auto" : "smooth" });
}
