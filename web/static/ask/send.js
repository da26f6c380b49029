// A spoken question to the server, and its answer into the page.
const WORTH_ANOTHER_TRY = (status) => status === 429 || status >= 500;

// Resolves to "answered", "refused" (nothing to send again), "unsent" (the page shows why) or "unreached".
export async function sendSound(sound, fields, target) {
  const name = sound.name ?? (sound.type.startsWith("audio/wav") ? "question.wav" : "question.webm");
  const form = new FormData();
  form.set("form_token", document.body.dataset.formToken);
  for (const [name, value] of Object.entries(fields)) form.set(name, value);
  form.set("sound", sound, name);
  let reply;
  let html;
  try {
    reply = await fetch("/ask", { method: "POST", body: form, headers: { "HX-Request": "true" } });
    html = await reply.text();
  } catch {
    return "unreached";
  }
  target.innerHTML = html;
  window.htmx?.process(target);
  const address = reply.headers.get("HX-Push-Url");
  if (address) {
    // Without its mark htmx would not bring the page before back.
    window.history.replaceState({ htmx: true }, "", window.location.href);
    window.history.pushState({ htmx: true }, "", address);
  }
  target.dispatchEvent(new CustomEvent("earmark:answered", { bubbles: true }));
  if (reply.ok) return "answered";
  return WORTH_ANOTHER_TRY(reply.status) ? "unsent" : "refused";
}
