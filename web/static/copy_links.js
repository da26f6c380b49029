// "Copy" buttons: a text, or the whole address of a link, with the second that plays now where the button asks for it.
export function mountCopyLinks(root) {
  if (!navigator.clipboard) return;
  for (const button of root.querySelectorAll("[data-copy], [data-copy-text]")) {
    button.hidden = false;
    button.addEventListener("click", () => copy(button));
  }
}

async function copy(button) {
  await navigator.clipboard.writeText(button.dataset.copyText ?? addressOf(button));
  button.dataset.saysCopy ??= button.textContent;
  button.textContent = button.dataset.saysCopied;
  window.setTimeout(() => { button.textContent = button.dataset.saysCopy; }, 1500);
}

function addressOf(button) {
  const address = new URL(button.dataset.copy, window.location.href);
  if ("copyNow" in button.dataset) {
    const media = document.querySelector("[data-player] [data-media]:not([hidden])");
    address.searchParams.set("t", (media?.currentTime ?? 0).toFixed(1));
  }
  return address.href;
}
