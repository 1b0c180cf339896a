// What was said: turns, what is still to be sent, and what is waited for. It draws nothing; the view does.

import { words } from "./dom.js";

const CHANNEL = "/channels/web";
const LONGEST_SENT = 8000; // characters; the server answers politely to anything above its own limit
const PATIENCE_MS = 30000;
const POLLS_MS = [2000, 3000, 5000, 8000, 10000];
const RETRIES_MS = [5000, 10000, 20000, 40000, 60000];
const TYPING_AFTER_MS = 300;
const SHELF = "city311.unsent";

// News about a report is a turn without words of the resident.
const isNews = (turn) => !turn.text && turn.id.startsWith("update-");

export class Conversation {
  #view;
  #language;
  #turns = new Map(); // the page's own id of a message → its turn
  #outbox = []; // turns that the server has not taken yet, in order
  #sending = false;
  #blocked = false; // the first of the outbox failed and waits for another try
  #opened = false;
  #name = null; // which conversation the server answers for
  #lastSeq = 0; // every turn up to it is shown
  #poll = 0;
  #polls = 0;
  #retry = 0;
  #retries = 0;
  #otherTabs = null;

  constructor(view, language) {
    this.#view = view;
    this.#language = language;
    try {
      this.#otherTabs = new BroadcastChannel("city311");
      this.#otherTabs.onmessage = ({ data }) => (data === "erased" ? this.#startAnew() : this.look());
    } catch {
      // a frame without storage has no channel either; looking again when the tab is shown does
    }
  }

  start() {
    for (const { id, text, more } of unshelved()) this.#outbox.push(this.#added(id, text, more));
    return this.send();
  }

  // more: {location: {lat, lon}, photos: [ids]}, either or none
  write(text, more = {}) {
    const turn = this.#added(newId(), text.slice(0, LONGEST_SENT), more);
    this.#outbox.push(turn);
    this.#shelve();
    if (this.#blocked) this.#view.state(turn, "unsent");
    else this.send();
  }

  // Sends what is to be sent, oldest first.
  async send() {
    if (this.#sending) return;
    clearTimeout(this.#retry);
    this.#sending = true;
    this.#blocked = false;
    this.#tellState();
    const typing = setTimeout(() => this.#view.typing(true), TYPING_AFTER_MS);
    let sent = false;
    try {
      if (!this.#opened) await this.#open();
      while (this.#outbox.length) {
        sent = (await this.#sendFirst()) || sent;
        if (this.#blocked) break;
      }
      this.#retries = 0;
    } catch {
      this.#block(this.#opened ? words.unreachable : words.noHistory, this.#pause());
    } finally {
      clearTimeout(typing);
      this.#view.typing(false);
      this.#sending = false;
      this.#tellState();
      this.#watch();
    }
    if (sent) this.#otherTabs?.postMessage("changed");
  }

  // Late answers, and what another tab of the same conversation wrote.
  async look() {
    if (!this.#opened || this.#sending) return;
    try {
      await this.#refresh();
      this.#tellState();
    } catch {
      // the next look may do better; the notice that the message is kept stays
    }
    this.#watch();
  }

  // Forgets everything that was said, here and on the server. Gives whether it was done.
  async erase() {
    const { status } = await ask("/erase", {}).catch(() => ({ status: 0 }));
    if (status !== 200) return status === 409 ? "busy" : "failed";
    this.#outbox = [];
    this.#shelve();
    this.#otherTabs?.postMessage("erased");
    await this.#startAnew();
    this.#view.aside(words.erased);
    return "erased";
  }

  get isBlocked() {
    return this.#blocked;
  }

  #added(id, text, more = {}) {
    const turn = { id, text, more, seq: null, waiting: false, answered: false, noticed: false, slowed: false };
    this.#turns.set(id, turn);
    if (!isNews(turn)) this.#view.own(turn);
    return turn;
  }

  async #sendFirst() {
    const turn = this.#outbox[0];
    this.#view.state(turn, "sending");
    const { location, photos } = turn.more ?? {};
    const body = { id: turn.id, text: turn.text, language: this.#language };
    if (location) body.location = location;
    if (photos?.length) body.photos = photos;
    const { told, status, wait } = await ask("/messages", body);
    if (status === 429) {
      if (!turn.slowed) this.#view.answer(told.messages);
      turn.slowed = true;
      this.#block(words.tooFast, wait);
      return false;
    }
    this.#outbox.shift();
    this.#shelve();
    // another name without a new session: another tab has got one, and this tab's earlier conversation has ended
    const renewed = told.session === "new" || (told.conversation !== this.#name && this.#lastSeq > 0);
    if (renewed) this.#name = told.conversation;
    this.#show(told);
    if (renewed) {
      this.#lastSeq = told.seq ?? 0;
      this.#view.aside(words.newSession);
    } else if (told.seq !== null && told.seq > this.#lastSeq) {
      await this.#refresh(); // another tab wrote meanwhile
    }
    return true;
  }

  // Shows what is new in a turn as the server tells it, whichever way it came: answer, history or poll.
  #show(told) {
    const turn = this.#turns.get(told.id) ?? this.#added(told.id, told.text ?? "", shared(told));
    if (told.text !== null && turn.text !== told.text) {
      turn.text = told.text; // screening changed it
      this.#view.reworded(turn);
    }
    turn.seq = told.seq;
    if (told.seq === this.#lastSeq + 1) this.#lastSeq = told.seq;
    turn.waiting = told.state === "waiting";
    if (!isNews(turn)) this.#view.state(turn, turn.waiting ? "waiting" : "delivered");
    if (turn.answered) return;
    if (!turn.waiting) {
      turn.answered = true;
      this.#view.answer(told.messages);
    } else if (told.messages.length && !turn.noticed) {
      const others = this.#waiting().some((other) => other !== turn && other.noticed);
      turn.noticed = true;
      if (!others) this.#view.answer(told.messages);
    }
  }

  // Opens the session and shows what was said before. None of it is announced: it is not new.
  async #open() {
    const { told } = await ask("/messages");
    this.#name = told.conversation;
    this.#lastSeq = (told.turns[0]?.seq ?? 1) - 1;
    if (told.more) this.#view.aside(words.earlier);
    told.turns.forEach((turn) => this.#show(turn));
    this.#outbox = this.#outbox.filter((turn) => turn.seq === null); // the server had taken the others
    this.#shelve();
    this.#outbox.forEach((turn) => this.#view.toLast(turn)); // what was typed meanwhile comes after the history
    this.#opened = true;
    await this.#view.opened();
  }

  async #refresh() {
    const waiting = this.#waiting().map((turn) => turn.seq);
    const after = Math.min(this.#lastSeq, ...waiting.map((seq) => seq - 1));
    const { told } = await ask(`/messages?after=${after}`);
    const isOther = told.conversation !== this.#name;
    const isOutOfOrder = told.turns.some(
      (turn) => !this.#turns.has(turn.id) && [...this.#turns.values()].some((other) => other.seq > turn.seq),
    );
    if (isOther || isOutOfOrder) {
      const hasEnded = isOther && this.#lastSeq > 0;
      this.#clear();
      await this.#open();
      if (hasEnded) this.#view.aside(words.newSession);
      return;
    }
    told.turns.forEach((turn) => this.#show(turn));
    this.#lastSeq = Math.max(this.#lastSeq, ...told.turns.map((turn) => turn.seq));
  }

  #clear() {
    for (const id of [...this.#turns.keys()]) {
      if (!this.#outbox.some((turn) => turn.id === id)) this.#turns.delete(id);
    }
    this.#opened = false;
    this.#view.clear(this.#outbox);
  }

  async #startAnew() {
    this.#clear();
    await this.send();
  }

  #waiting() {
    return [...this.#turns.values()].filter((turn) => turn.waiting && turn.seq !== null);
  }

  #watch() {
    clearTimeout(this.#poll);
    if (!this.#waiting().length) {
      this.#polls = 0;
      return;
    }
    this.#poll = setTimeout(() => {
      this.#polls += 1;
      this.look();
    }, POLLS_MS[Math.min(this.#polls, POLLS_MS.length - 1)]);
  }

  #pause() {
    this.#retries += 1;
    return RETRIES_MS[Math.min(this.#retries, RETRIES_MS.length) - 1];
  }

  #block(text, pause) {
    this.#blocked = true;
    for (const turn of this.#outbox) this.#view.state(turn, "unsent");
    this.#view.tell(text, { retry: true });
    this.#retry = setTimeout(() => this.send(), pause);
  }

  #tellState() {
    if (!this.#blocked) this.#view.tell(this.#waiting().length ? words.waiting : "");
  }

  // What was not sent yet outlives a reload of the page.
  #shelve() {
    try {
      const kept = this.#outbox.map(({ id, text, more }) => ({ id, text, more }));
      if (kept.length) sessionStorage.setItem(SHELF, JSON.stringify(kept));
      else sessionStorage.removeItem(SHELF);
    } catch {
      // no storage in this browser: the page itself keeps it
    }
  }
}

// what came with a message of the history
function shared({ location, photos }) {
  return { location, photos: Array.from({ length: photos ?? 0 }) };
}

function unshelved() {
  try {
    const kept = JSON.parse(sessionStorage.getItem(SHELF) ?? "[]");
    return kept.filter(({ id, text }) => typeof id === "string" && typeof text === "string");
  } catch {
    return [];
  }
}

function newId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function ask(path, body) {
  const request = { signal: AbortSignal.timeout(PATIENCE_MS), headers: { Accept: "application/json" } };
  if (body !== undefined) {
    request.method = "POST";
    request.headers["Content-Type"] = "application/json";
    request.body = JSON.stringify(body);
  }
  const response = await fetch(CHANNEL + path, request);
  if (!response.ok && ![409, 429].includes(response.status)) throw new Error(`status ${response.status}`);
  const wait = 1000 * (Number(response.headers.get("Retry-After")) || 5);
  return { told: await response.json(), status: response.status, wait };
}
