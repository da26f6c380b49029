// The spoken question, kept in this browser until the server has acknowledged it. Older than a day it is dropped, and
// where somebody else signs in: nobody gets another's voice.
const STORE = "sounds";
const LONGEST_KEPT_MS = 24 * 3600 * 1000;

export async function keep(sound, fields) {
  const id = window.crypto.randomUUID();
  await within("readwrite", (store) => store.put({ id, sound, fields, madeAt: Date.now(), mark: mark() }));
  return id;
}

export async function drop(id) {
  await within("readwrite", (store) => store.delete(id));
}

export async function unsent() {
  const all = (await within("readonly", (store) => store.getAll())) ?? [];
  const old = all.filter((one) => Date.now() - one.madeAt > LONGEST_KEPT_MS || one.mark !== mark());
  for (const { id } of old) await drop(id);
  return all.filter((one) => !old.includes(one)).sort((a, b) => b.madeAt - a.madeAt);
}

function mark() {
  return document.body.dataset.mark;
}

// Private windows may refuse storage: then a question is sent all the same, only a reload forgets it.
async function within(mode, act) {
  let database;
  try {
    database = await settled(opening());
  } catch {
    return undefined;
  }
  try {
    return await settled(act(database.transaction(STORE, mode).objectStore(STORE)));
  } catch {
    return undefined;
  } finally {
    database.close();
  }
}

function opening() {
  const request = indexedDB.open("earmark", 1);
  request.addEventListener("upgradeneeded", () => request.result.createObjectStore(STORE, { keyPath: "id" }));
  return request;
}

function settled(request) {
  return new Promise((resolve, reject) => {
    request.addEventListener("success", () => resolve(request.result));
    request.addEventListener("error", () => reject(request.error));
  });
}
