// Photos beside the message box: taken or picked, uploaded at once, sent with the next message.

import { button, element, words } from "./dom.js";

const MOST = 5;
const PATIENCE_MS = 120000;
const FAULTS = { 413: words.photoTooLarge, 415: words.noPhoto, 422: words.photoBroken, 429: words.tooManyPhotos };

export class Photos {
  #tray;
  #notice;
  #ids = [];
  #uploading = 0;
  #changed;

  // changed: called when there is a photo more or less
  constructor(input, tray, notice, changed) {
    this.#tray = tray;
    this.#notice = notice;
    this.#changed = changed;
    input.addEventListener("change", async () => {
      const files = [...input.files];
      input.value = "";
      for (const file of files) await this.#add(file);
    });
  }

  get isBusy() {
    return this.#uploading > 0;
  }

  get any() {
    return this.#ids.length > 0;
  }

  // The ids of the photos for one message; the tray is empty afterwards.
  take() {
    const ids = this.#ids;
    this.#ids = [];
    this.#tray.replaceChildren();
    this.#changed();
    return ids;
  }

  async #add(file) {
    if (this.#ids.length >= MOST) {
      this.#tell(words.tooManyPhotos);
      return;
    }
    this.#tell(words.photoSending);
    this.#uploading += 1;
    this.#changed();
    try {
      const signal = AbortSignal.timeout(PATIENCE_MS);
      const headers = { "Content-Type": "application/octet-stream" };
      const response = await fetch("/channels/web/photos", { method: "POST", body: file, headers, signal });
      if (response.ok) this.#keep(await response.json());
      else this.#tell(FAULTS[response.status] ?? words.photoNotSent);
    } catch {
      this.#tell(words.photoNotSent);
    } finally {
      this.#uploading -= 1;
      this.#changed();
    }
  }

  #keep({ id, small_link: small }) {
    this.#tell("");
    if (this.#ids.includes(id)) return;
    this.#ids.push(id);
    const shown = element("figure", {}, element("img", { src: small, alt: words.photoReady }));
    shown.append(button("remove", "×", () => {
      this.#ids = this.#ids.filter((other) => other !== id);
      shown.remove();
      this.#changed();
    }, { "aria-label": words.removePhoto }));
    this.#tray.append(shown);
  }

  #tell(text) {
    this.#notice.textContent = text;
  }
}
