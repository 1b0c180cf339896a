// <city311-chat>: brings the server's chat form to life. Without scripts the form works by itself.

import { Conversation } from "./conversation.js";
import { Photos } from "./photos.js";
import { listen } from "./preferences.js";
import { words } from "./dom.js";
import { listenToPhone } from "./reaching.js";
import { View } from "./view.js";

class City311Chat extends HTMLElement {
  #conversation;
  #parts;
  #photos;

  connectedCallback() {
    if (this.#conversation) return;
    const part = (id) => this.querySelector(`#${id}`);
    this.#parts = {
      log: part("log"),
      messages: part("messages"),
      typing: part("typing"),
      notice: part("notice"),
      noticeText: part("notice-text"),
      again: part("again"),
      composer: part("composer"),
      input: part("text"),
    };
    const view = new View(this.#parts, (text, more) => this.#choose(text, more));
    const send = this.#parts.composer.querySelector("[type=submit]");
    this.#photos = new Photos(part("photo"), part("tray"), part("photo-notice"), () => {
      send.disabled = this.#photos.isBusy;
    });
    this.#conversation = new Conversation(view, document.documentElement.lang);
    this.#listen();
    this.#conversation.start();
  }

  erase() {
    return this.#conversation.erase();
  }

  #listen() {
    const { again, composer, input } = this.#parts;
    composer.addEventListener("submit", (event) => {
      event.preventDefault();
      const text = input.value;
      input.focus();
      if (this.#photos.isBusy || (!text.trim() && !this.#photos.any)) return;
      input.value = "";
      this.#fit();
      this.#conversation.write(text, { photos: this.#photos.take() });
    });
    composer.addEventListener("asked", ({ detail }) => { input.inputMode = detail === "number" ? "numeric" : "text"; });
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        composer.requestSubmit();
      }
    });
    input.addEventListener("input", () => this.#fit());
    again.addEventListener("click", () => {
      input.focus();
      this.#conversation.send();
    });
    addEventListener("online", () => { if (this.#conversation.isBlocked) this.#conversation.send(); });
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") this.#conversation.look();
    });
  }

  #choose(text, more) {
    // On a touch screen, focus in the text box would open the keyboard over the answer.
    const { input, log } = this.#parts;
    (matchMedia("(pointer: coarse)").matches ? log : input).focus({ preventScroll: true });
    this.#conversation.write(text, more);
  }

  #fit() {
    const { input } = this.#parts;
    input.rows = Math.min(5, Math.max(1, input.value.split("\n").length));
  }
}

customElements.define("city311-chat", City311Chat);

const settings = document.getElementById("settings");
const chat = document.querySelector("city311-chat");
listen(settings);
listenToPhone(settings);

const erasing = document.getElementById("erasing");
const erasingNotice = document.getElementById("erasing-notice");
document.getElementById("erase").addEventListener("click", () => {
  erasingNotice.textContent = "";
  erasing.showModal();
});
document.getElementById("erase-now").addEventListener("click", async () => {
  const result = await chat.erase();
  if (result !== "erased") {
    erasingNotice.textContent = result === "busy" ? words.eraseBusy : words.eraseFailed;
    return;
  }
  erasing.close();
  settings.open = false;
  settings.querySelector("summary").focus();
});
document.getElementById("erase-not").addEventListener("click", () => erasing.close());

const close = document.getElementById("close");
if (close) {
  // only the frame's own page is told, and nothing but this
  const leave = () => parent.postMessage("city311:close", "*");
  if (parent === window) close.hidden = true;
  close.addEventListener("click", leave);
  document.addEventListener("keydown", (event) => { if (event.key === "Escape" && !erasing.open) leave(); });
} else if ("serviceWorker" in navigator) {
  addEventListener("load", () => navigator.serviceWorker.register("/worker.js").catch(() => {}));
}
