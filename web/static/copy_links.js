// "Copy link" buttons: the whole address, with the second that plays now where the button asks for it.
export function mountCopyLinks(root) {
  if (!navigator.clipboard) return;
  for (const button of root.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", () => copy(button));
  }
}

async function copy(button) {
  const address = new URL(button.dataset.copy, window.location.href);
  if ("copyNow" in button.dataset) {
    const media = document.querySelector("[data-player] [data-media]:not([hidden])");
    address.searchParams.set("t", (media?.currentTime ?? 0).toFixed(1));
  }
  await navigator.clipboard.writeText(address.href);
  button.dataset.saysCopy ??= button.textContent;
  button.textContent = button.dataset.saysCopied;
  window.setTimeout(() => { button.textContent = button.dataset.saysCopy; }, 1500);
}
