// Mounts each widget on what it finds, now and after htmx has put something new into the page.
import { mountCopyLinks } from "./copy_links.js";
import { mountAnswer } from "./ask/answer.js";
import { mountCheck } from "./learning/check.js";
import { mountSecondNow } from "./learning/second_now.js";
import { afterJudging } from "./ask/judged.js";
import { mountMicrophone } from "./ask/microphone.js";
import { mountPlayer } from "./player/player.js";
import { mountUpload } from "./upload/upload.js";

function mountAll(root) {
  for (const element of root.querySelectorAll("[data-with-script]")) element.hidden = false;
  mountCopyLinks(root);
  mountMicrophone(root);
  mountPlayer(root);
  mountUpload(root);
  mountCheck(root);
  mountSecondNow(root);
}

document.documentElement.dataset.scripted = "yes";
mountAll(document);
// Back pressed while this page was still loading moved the address alone: htmx, which fetches the page that
// belongs there, did not listen yet.
document.addEventListener("DOMContentLoaded", () => {
  const [loaded] = performance.getEntriesByType("navigation");
  if (loaded && new URL(loaded.name).pathname !== window.location.pathname) window.location.reload();
});
// A choice made while this page was still loading would show in the field alone, for the same reason.
document.addEventListener("DOMContentLoaded", () => {
  for (const field of document.querySelectorAll("form[hx-get][hx-trigger*=change] select")) {
    const asServed = [...field.options].findLast((option) => option.defaultSelected) ?? field.options[0];
    if (!asServed.selected) field.dispatchEvent(new Event("change", { bubbles: true }));
  }
});
document.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden && "renews" in event.detail.elt.dataset) event.preventDefault();
});
document.addEventListener("htmx:beforeSwap", (event) => {
  const { target, xhr, requestConfig } = event.detail;
  // What went wrong never takes the place of a list that asks again by itself.
  if (!["jobs", "open-questions"].includes(target.id) || xhr.status < 400) return;
  if (requestConfig.verb === "get") event.detail.shouldSwap = false;
  else event.detail.swapOverride = "beforebegin";
});
// The server does not answer: said once, where everybody looks, until something works again.
const silence = document.querySelector("[data-no-answer]");
for (const kind of ["htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(kind, () => { silence.textContent = silence.dataset.noAnswer; });
}
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.xhr?.status) silence.textContent = "";
});
document.addEventListener("htmx:afterSwap", (event) => {
  mountAll(event.detail.target);
  if (event.detail.target.id === "answer") mountAnswer(event.detail.target, { spoken: false });
});
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.target.id === "judgement") afterJudging(event.detail.requestConfig.elt);
});
document.addEventListener("earmark:answered", (event) => {
  mountAll(event.target);
  mountAnswer(event.target, { spoken: true });
});
