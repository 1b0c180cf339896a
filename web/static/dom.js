// Elements and words. Every text goes into the document as text, never as markup.

export const words = JSON.parse(document.getElementById("strings").textContent);

export function element(name, { className = "", text = null, ...attributes } = {}, ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== null) made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

export function button(className, text, onClick, attributes = {}) {
  const made = element("button", { type: "button", className, text, ...attributes });
  made.addEventListener("click", onClick);
  return made;
}

// "Step {step} of {of}" with its values
export function filled(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}
