// Draws the conversation: bubbles, delivery states, notices. Listens to nobody but the conversation.

import { card } from "./cards.js";
import { element, filled, words } from "./dom.js";
import { inputFor } from "./inputs.js";

const LONGEST_SHOWN = 1000;
const STATES = { sending: words.sending, waiting: words.kept, delivered: words.delivered, unsent: words.notSent };
const SENDING_AFTER_MS = 400;
const AT_END_PX = 120;

export class View {
  #parts;
  #say;
  #drawn = new Map(); // a turn's id → {item, bubble, state, timer}
  #greeting;

  // parts: the elements of the page; say: takes an answer that was chosen instead of typed
  constructor(parts, say) {
    this.#parts = parts;
    this.#say = say;
    this.#greeting = [...parts.messages.children];
  }

  own(turn) {
    const chosen = this.closeInputs(turn.text);
    const shown = chosen ?? spoken(turn);
    const bubble = element("div", { className: "bubble", dir: "auto", text: shown });
    // A message is read out once, as it is added; how its delivery goes only changes a text that is there already.
    const state = element("span", { className: "state", "aria-live": "off" }, "");
    const speaker = element("span", { className: "visually-hidden", text: words.you });
    const item = element("li", { className: "message own" }, speaker, bubble, state);
    this.#drawn.set(turn.id, { item, bubble, state, timer: 0 });
    this.#parts.messages.append(item);
    this.#toEnd();
  }

  reworded(turn) {
    // the text node stays, so that it is not announced again
    this.#drawn.get(turn.id).bubble.firstChild.data = spoken(turn);
  }

  state(turn, name) {
    const drawn = this.#drawn.get(turn.id);
    clearTimeout(drawn.timer);
    drawn.item.classList.toggle("not-sent", name === "unsent");
    const say = () => { drawn.state.firstChild.data = STATES[name]; };
    if (name === "sending") drawn.timer = setTimeout(say, SENDING_AFTER_MS);
    else say();
  }

  answer(messages) {
    const follows = this.#isAtEnd();
    for (const message of messages) {
      const bubble = element("div", { className: "bubble", dir: "auto" });
      const custom = message.custom ?? {};
      const drawn = custom.card ? card(custom.card, this.#say) : null;
      const step = progress(custom.progress, this.#parts.log);
      if (step) bubble.append(step);
      for (const part of paragraphs(message.text ?? "", drawn && custom.card.said)) bubble.append(part ?? drawn);
      if (drawn && !drawn.parentNode) bubble.append(drawn);
      const image = picture(custom.image);
      if (image) bubble.append(image);
      const speaker = element("span", { className: "visually-hidden", text: words.assistant });
      const item = element("li", { className: "message assistant" }, speaker);
      if (bubble.childNodes.length) item.append(bubble);
      const input = inputFor(message, this.#say);
      if (input) item.append(input);
      this.#parts.messages.append(item);
      this.#parts.composer.dispatchEvent(new CustomEvent("asked", { detail: custom.takes ?? "" }));
    }
    if (follows) this.#toEnd(); // who has scrolled back to read is left there
  }

  aside(text) {
    this.#parts.messages.append(element("li", { className: "aside", text }));
    this.#toEnd();
  }

  toLast(turn) {
    this.#parts.messages.append(this.#drawn.get(turn.id).item);
    this.closeInputs(turn.text);
  }

  clear(kept) {
    this.#parts.log.setAttribute("aria-live", "off");
    const ids = new Set(kept.map((turn) => turn.id));
    for (const id of [...this.#drawn.keys()]) if (!ids.has(id)) this.#drawn.delete(id);
    this.#parts.messages.replaceChildren(...this.#greeting, ...kept.map((turn) => this.#drawn.get(turn.id).item));
  }

  async opened() {
    await new Promise((drawn) => setTimeout(drawn, 100));
    this.#parts.log.setAttribute("aria-live", "polite");
  }

  typing(isOn) {
    this.#parts.typing.hidden = !isOn;
    if (isOn) this.#toEnd();
  }

  tell(text, { retry = false } = {}) {
    const { notice, noticeText, again } = this.#parts;
    notice.classList.toggle("quiet", !text);
    again.hidden = !retry;
    if (noticeText.textContent === text) return;
    noticeText.textContent = text;
    this.#toEnd();
  }

  // Choices that were answered stay readable, but can't be used again. Gives the words of the one that was chosen.
  closeInputs(answer) {
    let chosen = null;
    const { messages } = this.#parts;
    for (const part of messages.querySelectorAll(".once")) part.remove();
    for (const choice of messages.querySelectorAll("[data-payload]:enabled")) {
      choice.disabled = true;
      if (choice.dataset.payload === answer && chosen === null) {
        chosen = choice.dataset.said ?? choice.textContent;
        choice.classList.add("chosen");
        choice.append(element("span", { className: "visually-hidden", text: ` (${words.chosen})` }));
      }
    }
    return chosen;
  }

  #isAtEnd() {
    const { log } = this.#parts;
    return log.scrollHeight - log.scrollTop - log.clientHeight < AT_END_PX;
  }

  #toEnd() {
    const { log, composer } = this.#parts;
    if (log.scrollHeight > log.clientHeight && getComputedStyle(log).overflowY !== "visible") {
      log.scrollTop = log.scrollHeight;
    } else {
      composer.scrollIntoView({ block: "nearest" });
    }
  }
}

// What a message of the resident shows: its words, and what came with them.
function spoken({ text, more }) {
  const { location, photos } = more ?? {};
  const parts = [text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text];
  if (location) parts.push(words.sharedPlace);
  if (photos?.length) parts.push(photos.length === 1 ? words.onePhoto : filled(words.photos, { count: photos.length }));
  return parts.filter((part) => part.trim()).join("\n");
}

// The paragraphs of a text; null stands for the part that a card says instead.
function paragraphs(text, said) {
  const at = said ? text.indexOf(said) : -1;
  if (at >= 0) return [...paragraphs(text.slice(0, at)), null, ...paragraphs(text.slice(at + said.length))];
  return text
    .split(/\n{2,}/)
    .map((part) => part.replace(/^\n+|\n+$/g, ""))
    .filter((part) => part.trim())
    .map((part) => withMarks(element("p"), part));
}

// "**bold**" and web addresses; all else stays as it is
function withMarks(paragraph, text) {
  const marks = /\*\*([^*\n]+)\*\*|https?:\/\/[^\s<>"']+/g;
  let from = 0;
  for (const mark of text.matchAll(marks)) {
    paragraph.append(text.slice(from, mark.index));
    from = mark.index + mark[0].length;
    if (mark[1] !== undefined) {
      paragraph.append(element("strong", { text: mark[1] }));
      continue;
    }
    const address = mark[0].replace(/[.,;:!?)\]}]+$/, "");
    from -= mark[0].length - address.length;
    paragraph.append(link(address));
  }
  paragraph.append(text.slice(from));
  return paragraph;
}

function link(address) {
  if (!URL.canParse(address)) return address;
  const made = element("a", { href: address, target: "_blank", rel: "noopener noreferrer", text: address });
  made.append(element("span", { className: "visually-hidden", text: ` ${words.newTab}` }));
  return made;
}

function picture(told) {
  if (typeof told?.src !== "string" || !told.src.startsWith("/photos/")) return null;
  return element("img", { className: "shown", src: told.src, alt: told.alt ?? "" });
}

function progress(told, log) {
  const { step, of } = told ?? {};
  if (!Number.isInteger(step) || !Number.isInteger(of) || step < 1 || of < step) return null;
  const bar = element("progress", { max: of, value: step, "aria-hidden": "true" });
  const text = element("span", { text: filled(words.step, { step, of }) });
  // a direction of its own, so that the bubble takes its direction from the message
  return element("p", { className: "progress", dir: getComputedStyle(log).direction }, text, bar);
}
