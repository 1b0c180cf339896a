// Puts the chat on a page of the city: a button that opens it, or a <city311-chat inline> where it shall stand.
// It runs inside a frame of its own, so that neither page can read the other. `words` comes from the portal.

const script = document.currentScript;
const home = new URL(script.src);

const LOOK = `
  :host { all: initial; }
  :host([inline]) { display: block; height: 40rem; max-height: 90vh; }
  iframe { border: 0; width: 100%; height: 100%; background: #fff; border-radius: inherit; display: block; }
  .open { position: fixed; inset-block-end: 1.25rem; inset-inline-end: 1.25rem; z-index: 2147483000; min-height: 56px;
    padding: 0 24px 0 18px; display: flex; align-items: center; gap: 12px; border: 2px solid #fff; border-radius: 999px;
    background: #12496b; color: #fff; font: 600 17px/1.2 system-ui, sans-serif; cursor: pointer;
    box-shadow: 0 4px 18px rgb(10 25 35 / 35%); }
  .open:hover { background: #0d3a56; }
  .open:focus-visible { outline: 3px solid #e0a83c; outline-offset: 2px; }
  .panel { position: fixed; inset-block-end: 1.25rem; inset-inline-end: 1.25rem; z-index: 2147483001;
    width: min(26rem, calc(100vw - 2.5rem)); height: min(42rem, calc(100dvh - 2.5rem)); border-radius: 14px;
    overflow: hidden; box-shadow: 0 12px 48px rgb(10 25 35 / 40%); }
  [hidden] { display: none !important; }
  @media (max-width: 34rem) { .panel { inset: 0; width: 100%; height: 100%; border-radius: 0; } }
  @media print { .open, .panel { display: none; } }
`;

class City311Chat extends HTMLElement {
  #frame = null;
  #opener = null;
  #panel = null;

  connectedCallback() {
    if (this.shadowRoot) return;
    const root = this.attachShadow({ mode: "open" });
    const look = new CSSStyleSheet();
    look.replaceSync(LOOK);
    root.adoptedStyleSheets = [look];
    if (this.hasAttribute("inline")) {
      root.append(this.#made());
      return;
    }
    this.#panel = document.createElement("div");
    this.#panel.className = "panel";
    this.#panel.hidden = true;
    this.#opener = document.createElement("button");
    this.#opener.type = "button";
    this.#opener.className = "open";
    this.#opener.setAttribute("aria-expanded", "false");
    this.#opener.textContent = words.open;
    this.#opener.addEventListener("click", () => this.open());
    root.append(this.#opener, this.#panel);
    addEventListener("message", (event) => {
      if (event.origin === home.origin && event.source === this.#frame?.contentWindow && event.data === "city311:close") {
        this.close();
      }
    });
  }

  open() {
    if (!this.#frame) this.#panel.append(this.#made());
    this.#panel.hidden = false;
    this.#opener.hidden = true;
    this.#opener.setAttribute("aria-expanded", "true");
    this.#frame.focus();
  }

  close() {
    this.#panel.hidden = true;
    this.#opener.hidden = false;
    this.#opener.setAttribute("aria-expanded", "false");
    this.#opener.focus();
  }

  #made() {
    const address = new URL("/embedded", home);
    const language = this.getAttribute("lang") ?? script.dataset.lang ?? home.searchParams.get("lang");
    if (language) address.searchParams.set("lang", language);
    this.#frame = document.createElement("iframe");
    this.#frame.src = address;
    this.#frame.title = words.frame;
    this.#frame.allow = "geolocation; camera";
    return this.#frame;
  }
}

customElements.define("city311-chat", City311Chat);
if (!document.querySelector("city311-chat")) document.body.append(document.createElement("city311-chat"));
