// Text size and colours. A cookie keeps them, so that the server draws the next page right from the start.

const root = document.documentElement;
const YEAR_S = 365 * 24 * 3600;

export function listen(settings) {
  for (const input of settings.querySelectorAll("input[type=radio]")) {
    input.checked = root.dataset[input.name] === input.value;
    input.addEventListener("change", () => {
      root.dataset[input.name] = input.value;
      keep();
    });
  }
  settings.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !settings.open) return;
    event.stopPropagation();
    settings.open = false;
    settings.querySelector("summary").focus();
  });
  addEventListener("pointerdown", (event) => {
    const isOutside = !settings.contains(event.target) && !document.querySelector("dialog[open]");
    if (settings.open && isOutside) settings.open = false;
  });
}

function keep() {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  const { size, colors } = root.dataset;
  document.cookie = `city311_display=${size}.${colors}; Path=/; Max-Age=${YEAR_S}; SameSite=Lax${secure}`;
}
