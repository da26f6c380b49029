// What happens to the page when an answer arrives: the heard words go into the field, the answer is announced.
import { playerOf } from "../player/player.js";

export function mountAnswer(target, { spoken }) {
  document.getElementById("below")?.remove();
  const answer = target.querySelector("[data-answer]");
  if (!answer) return;
  const question = document.getElementById("question");
  if (question) question.value = answer.dataset.text;
  document.title = `${answer.dataset.text} · Earmark`;
  target.querySelector("#verdict")?.focus({ preventScroll: true });
  // A voice asked, a voice answers: where the answer is certain it is heard at once.
  if (spoken && answer.dataset.verdict === "answered") playerOf(target)?.play();
}
