// A place without typing it: where the resident is, or a point on a map. The map is fetched only when asked for.

import { button, element, words } from "./dom.js";

const PATIENCE_MS = 15000;

export function placeInput(say) {
  const chat = document.querySelector("city311-chat");
  const notice = element("p", { className: "place-notice", role: "status" }, "");
  const tools = element("div", { className: "choices", role: "group", "aria-label": words.placeTools });
  const panel = element("div", { className: "place once" }, tools, notice);
  const point = (lat, lon) => say("", { location: { lat, lon } });
  if ("geolocation" in navigator && isSecureContext) {
    tools.append(button("choice", words.whereIAm, () => ask(notice, point)));
  }
  if (chat.dataset.leaflet) {
    const open = button("choice", words.onTheMap, async () => {
      open.disabled = true;
      notice.firstChild.data = words.mapLoading;
      try {
        const { pinMap } = await import("./map.js");
        panel.append(await pinMap(chat.dataset, point));
        notice.firstChild.data = "";
        panel.querySelector("[data-starts]").focus({ preventScroll: true });
        panel.scrollIntoView({ block: "end" });
      } catch {
        notice.firstChild.data = words.noMap;
        open.disabled = false;
      }
    });
    tools.append(open);
  }
  return tools.childNodes.length ? panel : null;
}

// The browser itself asks the resident first; nothing is looked up before that.
function ask(notice, point) {
  notice.firstChild.data = words.locating;
  navigator.geolocation.getCurrentPosition(
    ({ coords }) => point(coords.latitude, coords.longitude),
    (error) => { notice.firstChild.data = error.code === 1 ? words.notAllowed : words.notLocated; },
    { enableHighAccuracy: true, timeout: PATIENCE_MS, maximumAge: 60000 },
  );
}
