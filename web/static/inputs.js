// What can be pressed or picked below a question: choices, a list, a day, a place.

import { button, element, words } from "./dom.js";
import { placeInput } from "./place.js";

const MOST_IN_A_ROW = 3; // more choices stand below each other, with their numbers
const MOST_BUTTONS = 9; // more go into a list

export function inputFor(message, say) {
  const takes = message.custom?.takes ?? "";
  const parts = [];
  if (takes === "past_day" || takes === "coming_day") parts.push(dayInput(takes, say));
  if (takes === "place") parts.push(placeInput(say));
  const choices = message.buttons ?? [];
  if (choices.length > MOST_BUTTONS) parts.push(listOf(choices, say));
  else if (choices.length) parts.push(choicesOf(choices, say));
  const shown = parts.filter(Boolean);
  return shown.length ? element("div", { className: "inputs" }, ...shown) : null;
}

function choicesOf(choices, say) {
  const className = choices.length > MOST_IN_A_ROW ? "choices numbered" : "choices";
  const group = element("div", { className, role: "group", "aria-label": words.choices });
  for (const { title, payload } of choices) {
    group.append(button("choice", title, () => say(payload), { "data-payload": payload, dir: "auto" }));
  }
  return group;
}

function listOf(choices, say) {
  const list = element("select");
  for (const { title, payload } of choices) list.append(element("option", { value: payload, text: title }));
  const label = element("label", { text: words.choices });
  label.append(list);
  return element("div", { className: "once field" }, label, button("choice", words.choose, () => say(list.value)));
}

function dayInput(takes, say) {
  const now = new Date();
  const today = [now.getFullYear(), now.getMonth() + 1, now.getDate()].map((part) => `${part}`.padStart(2, "0"));
  const day = element("input", { type: "date", [takes === "past_day" ? "max" : "min"]: today.join("-") });
  const label = element("label", { text: words.day });
  label.append(day);
  const use = () => {
    if (day.value && day.checkValidity()) say(inWords(day.value));
    else if (!day.reportValidity() || !day.value) day.focus();
  };
  return element("div", { className: "once field" }, label, button("choice", words.useDay, use));
}

// the day as people write it, which is also how the assistant reads it best
function inWords(isoDay) {
  const [year, month, day] = isoDay.split("-").map(Number);
  const shown = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "long" });
  return shown.format(new Date(year, month - 1, day));
}
