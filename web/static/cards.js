// Cards: the read-back, whose lines can be changed, and the receipt, which can be printed.

import { button, element, filled, words } from "./dom.js";
import { receiptForm } from "./reaching.js";

export function card(told, say) {
  if (!Array.isArray(told.lines) || !["review", "receipt"].includes(told.kind)) return null;
  const list = element("dl");
  for (const { label, value, edit } of told.lines) {
    const row = element("div", {}, element("dt", { text: label }), element("dd", { dir: "auto", text: value }));
    if (edit) {
      const name = filled(words.editLine, { line: label });
      const change = button("edit", words.edit, () => say(edit), { "data-payload": edit, "aria-label": name });
      change.dataset.said = edit;
      row.querySelector("dd").append(change);
    }
    list.append(row);
  }
  const made = element("div", { className: `card ${told.kind}` }, list);
  if (told.kind === "receipt") {
    made.prepend(element("p", { className: "card-title", text: words.receipt }));
    made.append(button("print", words.print, () => printed(made)));
    const sends = receiptForm(told.lines[0]?.value ?? "");
    if (sends) made.append(sends);
  }
  return made;
}

function printed(receipt) {
  const body = document.body;
  const paper = element("div", { className: "paper" }, element("p", { text: document.title }), receipt.cloneNode(true));
  paper.querySelector("form")?.remove();
  body.append(paper);
  body.classList.add("prints-receipt");
  addEventListener("afterprint", () => {
    body.classList.remove("prints-receipt");
    paper.remove();
  }, { once: true });
  print();
}
