// A recall check by keyboard: the space bar shows the answer, 1 to 4 rate it.
let listening = false;

export function mountCheck(root) {
  if (listening || !root.querySelector("[data-check]")) return;
  listening = true;
  document.addEventListener("keydown", (event) => key(event));
}

function key(event) {
  const check = document.querySelector("[data-check]");
  if (!check || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.target.closest?.("input, textarea, select, audio, video")) return;
  const answer = check.querySelector("[data-reveal]");
  if (event.code === "Space" && !event.target.closest?.("button, summary, a")) {
    event.preventDefault();
    answer.open = !answer.open;
  } else if (answer.open && /^[1-4]$/.test(event.key)) {
    check.querySelectorAll("[name=rating]")[Number(event.key) - 1].click();
  }
}
