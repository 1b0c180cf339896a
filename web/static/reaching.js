// A resident's own phone and e-mail: showing that a phone is theirs, and sending a receipt.

import { element, words } from "./dom.js";

async function post(path, body) {
  try {
    const response = await fetch(`/channels/web/${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ ...body, language: document.documentElement.lang }),
    });
    return response.status;
  } catch {
    return 0;
  }
}

// what to say about an outcome: the form's own words by status, else that it was too often, or failed
function told(status, own) {
  return own[status] ?? (status === 429 ? words.reachTooOften : words.reachFailed);
}

// A form that sends the receipt with that number. What it says is what happened: queued is not sent.
export function receiptForm(number) {
  const reaches = document.documentElement.dataset.reaches?.split(" ").filter(Boolean) ?? [];
  if (!reaches.length) return null;
  const label = reaches.length > 1 ? words.receiptTo : reaches[0] === "sms" ? words.receiptToPhone : words.receiptToMail;
  const input = element("input", { type: "text", name: "to", required: "", maxlength: "254", autocomplete: "off" });
  const news = element("input", { type: "checkbox", name: "news" });
  const wants = element("label", { className: "check" }, news, words.receiptNews);
  const send = element("button", { type: "submit", className: "choice", text: words.receiptSend });
  const said = element("p", { role: "status", className: "said" });
  const form = element("form", { className: "field reach" }, element("label", { text: label }, input), wants, send, said);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    send.disabled = true;
    const status = await post("receipt", { number, to: input.value, news: news.checked ? "yes" : "no" });
    send.disabled = false;
    said.textContent = told(status, { 200: words.receiptQueued, 422: words.notReachable });
  });
  return form;
}

// The settings' part where a chat gets the phone of its resident.
export function listenToPhone(panel) {
  const [asking, showing] = [panel.querySelector("#phone-ask"), panel.querySelector("#phone-show")];
  if (!asking) return;
  const said = panel.querySelector("#phone-said");
  asking.addEventListener("submit", async (event) => {
    event.preventDefault();
    const status = await post("phone", { number: asking.elements.number.value });
    said.textContent = told(status, { 200: words.codeQueued, 422: words.notAPhone });
    if (status !== 200) return;
    showing.hidden = false;
    showing.elements.code.value = "";
    showing.elements.code.focus();
  });
  showing.addEventListener("submit", async (event) => {
    event.preventDefault();
    const status = await post("phone/code", { code: showing.elements.code.value });
    said.textContent = told(status, { 200: words.codeRight, 403: words.codeWrong, 410: words.codeOver });
    if (status === 200 || status === 410) {
      showing.hidden = true;
      asking.elements.number.focus();
    }
  });
}
