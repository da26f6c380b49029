// Chosen recordings to the server, one after another, each with the texts of its name and its progress.
const TEXTS = /\.(srt|vtt|txt|md)$/i;

export function mountUpload(root) {
  const form = root.querySelector("[data-upload]");
  if (form) new Upload(form).mount();
}

class Upload {
  constructor(form) {
    this.form = form;
    this.files = form.querySelector("[data-files]");
    this.drop = form.querySelector("[data-drop]");
    this.list = form.querySelector("[data-sending]");
    this.queue = [];
    this.isSending = false;
  }

  mount() {
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.queue.length) this.next();
      else this.files.click();
    });
    this.files.addEventListener("change", () => this.take([...this.files.files]));
    for (const kind of ["dragenter", "dragover"]) this.drop.addEventListener(kind, (event) => this.hover(event, true));
    for (const kind of ["dragleave", "drop"]) this.drop.addEventListener(kind, (event) => this.hover(event, false));
    this.drop.addEventListener("drop", (event) => this.take([...event.dataTransfer.files]));
    window.addEventListener("beforeunload", (event) => {
      if (this.isSending) event.preventDefault();
    });
    this.files.required = false;
  }

  hover(event, over) {
    event.preventDefault();
    this.drop.classList.toggle("over", over);
  }

  take(files) {
    const media = files.filter((file) => !TEXTS.test(file.name));
    const texts = files.filter((file) => TEXTS.test(file.name));
    for (const file of media) {
      const own = media.length === 1 ? texts : texts.filter((text) => belongs(text, file));
      this.queue.push(this.entry(file, own));
    }
    const left = texts.filter((text) => !this.queue.some(({ texts: own }) => own.includes(text)));
    for (const text of left) this.refuse(text);
    this.files.value = "";
  }

  entry(file, texts) {
    const row = document.createElement("li");
    const name = document.createElement("bdi");
    const bar = document.createElement("progress");
    const says = document.createElement("span");
    name.textContent = [file, ...texts].map((one) => one.name).join(" + ");
    bar.max = 1;
    bar.value = 0;
    bar.setAttribute("aria-label", file.name);
    says.className = "small muted";
    says.textContent = this.form.dataset.saysWaiting;
    row.append(name, bar, says);
    this.list.append(row);
    return { file, texts, row, bar, says };
  }

  refuse(text) {
    const { row, bar, says } = this.entry(text, []);
    bar.remove();
    row.classList.add("bad");
    says.textContent = this.form.dataset.saysAlone;
  }

  async next() {
    if (this.isSending || !this.queue.length) return;
    this.isSending = true;
    const entry = this.queue.shift();
    entry.says.textContent = this.form.dataset.saysSending;
    const reply = await this.send(entry);
    this.isSending = false;
    this.settle(entry, reply);
    window.htmx?.trigger("#jobs", "refresh");
    this.next();
  }

  settle(entry, reply) {
    entry.bar.remove();
    if (reply?.status === 200) {
      const skipped = reply.body.querySelector(".note");
      if (skipped) entry.says.replaceWith(skipped);
      else entry.row.remove();
      return;
    }
    entry.row.classList.add("bad");
    const told = [...(reply?.body.querySelectorAll("[data-error] p") ?? [])].map((p) => p.textContent).join(" ");
    const why = told || reply?.body.body.textContent.trim(); // what is refused at the gate is told in plain text
    entry.says.textContent = `${this.form.dataset.saysFailed}: ${why || this.form.dataset.saysNetwork}`;
    entry.row.append(this.again(entry));
  }

  again(entry) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button";
    button.textContent = this.form.dataset.saysAgain;
    button.addEventListener("click", () => {
      entry.row.remove();
      this.queue.push(this.entry(entry.file, entry.texts));
      this.next();
    });
    return button;
  }

  // XMLHttpRequest, because fetch does not tell how much has been sent.
  send({ file, texts, bar }) {
    const data = new FormData(this.form);
    data.delete("file");
    for (const one of [file, ...texts]) data.append("file", one, one.name);
    return new Promise((resolve) => {
      const request = new XMLHttpRequest();
      request.upload.addEventListener("progress", (event) => {
        if (event.lengthComputable) bar.value = event.loaded / event.total;
      });
      request.addEventListener("loadend", () => {
        if (!request.status) resolve(null);
        else resolve({ status: request.status, body: parsed(request.responseText) });
      });
      request.open("POST", "/recordings");
      request.setRequestHeader("HX-Request", "true");
      request.send(data);
    });
  }
}

function parsed(html) {
  return new DOMParser().parseFromString(html, "text/html");
}

// talk.srt, talk.en.srt and talk.mp4.srt lie beside talk.mp4.
function belongs(text, file) {
  const named = stem(text);
  return named === stem(file) || named === file.name.toLowerCase() || named.replace(/\.[a-z-]{2,8}$/, "") === stem(file);
}

function stem(file) {
  return file.name.replace(/\.[^.]*$/, "").toLowerCase();
}
