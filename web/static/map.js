// The map: drag it, tap it or use the arrow keys; the pin in the middle is the place. Leaflet draws it.

import { button, element, filled, words } from "./dom.js";

const DEGREE_M = 111320;
const NEAR_M = 60;
const CLOSEST = 19;
const AT_START = 16;

export async function pinMap({ leaflet, tiles, credit }, point) {
  const [drawing] = await Promise.all([fetched("/map.json"), script(`${leaflet}/leaflet.js`), style(`${leaflet}/leaflet.css`)]);
  const area = element("div", { className: "map", role: "application", "aria-label": words.mapName, tabindex: "0" });
  area.dataset.starts = "";
  const where = element("p", { className: "place-notice", role: "status" }, "");
  const use = button("choice", words.useThis, () => {
    const { lat, lng } = map.stop().getCenter();
    map.off();
    point(Number(lat.toFixed(6)), Number(lng.toFixed(6)));
  });
  const panel = element("div", { className: "map-panel" }, element("p", { text: words.mapHow }), area, where, use);
  const map = window.L.map(area, { preferCanvas: true, attributionControl: false, zoomControl: false, maxZoom: CLOSEST });
  window.L.control.zoom({ zoomInTitle: words.closer, zoomOutTitle: words.wider }).addTo(map);
  const bounds = window.L.geoJSON(drawing.boundary).getBounds();
  if (tiles) window.L.tileLayer(tiles, { maxZoom: CLOSEST, referrerPolicy: "origin" }).addTo(map);
  if (credit) panel.append(element("p", { className: "credit", text: credit }));
  area.append(element("span", { className: "pin", "aria-hidden": "true" }));
  map.on("click", ({ latlng }) => map.panTo(latlng));
  map.on("moveend", () => {
    const street = nearest(drawing.streets, map.getCenter());
    where.firstChild.data = street ? filled(words.near, { street }) : words.noStreet;
  });
  // a map can only be placed once it is in the page and has a size
  new ResizeObserver((_, observer) => {
    if (!area.clientWidth) return;
    observer.disconnect();
    map.invalidateSize();
    map.setView(bounds.getCenter(), AT_START, { animate: false });
    draw(map, drawing, Boolean(tiles));
    map.setMinZoom(map.getBoundsZoom(bounds));
    map.setMaxBounds(bounds.pad(0.2));
  }).observe(area);
  return panel;
}

function draw(map, { boundary, areas, streets }, isBacked) {
  const colors = getComputedStyle(document.documentElement);
  const color = (name) => colors.getPropertyValue(name).trim();
  const city = { color: color("--action"), weight: 3, fill: false };
  window.L.geoJSON(boundary, { style: city, interactive: false }).addTo(map);
  const dashed = { color: color("--soft"), weight: 1.5, dashArray: "4 5", fill: false };
  window.L.geoJSON(areas.map((geometry) => ({ type: "Feature", properties: {}, geometry })), { style: dashed, interactive: false }).addTo(map);
  if (!isBacked) {
    const line = { color: color("--field-line"), weight: 4, opacity: 0.75, interactive: false };
    for (const lines of Object.values(streets)) window.L.polyline(lines, line).addTo(map);
    new Names(map, streets).show();
  }
}

// Names of the streets that can be seen, each once.
class Names {
  #map;
  #streets;
  #layer;

  constructor(map, streets) {
    this.#map = map;
    this.#streets = Object.entries(streets);
    this.#layer = window.L.layerGroup().addTo(map);
    map.on("moveend", () => this.show());
  }

  show() {
    this.#layer.clearLayers();
    if (this.#map.getZoom() < AT_START) return;
    const seen = this.#map.getBounds().pad(-0.08);
    const taken = [];
    for (const [name, lines] of this.#streets) {
      const at = middle(lines, seen);
      if (!at) continue;
      const { x, y } = this.#map.latLngToContainerPoint(at);
      if (taken.some((other) => Math.abs(other.x - x) < 110 && Math.abs(other.y - y) < 20)) continue;
      taken.push({ x, y });
      const icon = window.L.divIcon({ className: "street-name", html: element("span", { text: name }), iconSize: null });
      window.L.marker(at, { icon, interactive: false, keyboard: false }).addTo(this.#layer);
    }
  }
}

function middle(lines, seen) {
  for (const line of lines) {
    for (let index = 1; index < line.length; index += 1) {
      const at = [(line[index - 1][0] + line[index][0]) / 2, (line[index - 1][1] + line[index][1]) / 2];
      if (seen.contains(at)) return at;
    }
  }
  return null;
}

function nearest(streets, { lat, lng }) {
  const across = Math.cos((lat * Math.PI) / 180);
  const flat = ([lat1, lng1]) => [(lng1 - lng) * DEGREE_M * across, (lat1 - lat) * DEGREE_M];
  let best = { name: "", metres: NEAR_M };
  for (const [name, lines] of Object.entries(streets)) {
    for (const line of lines) {
      for (let index = 1; index < line.length; index += 1) {
        const metres = distance(flat(line[index - 1]), flat(line[index]));
        if (metres < best.metres) best = { name, metres };
      }
    }
  }
  return best.name;
}

// of the origin to the stretch between two points, metres
function distance([x1, y1], [x2, y2]) {
  const [dx, dy] = [x2 - x1, y2 - y1];
  const share = Math.max(0, Math.min(1, -(x1 * dx + y1 * dy) / (dx * dx + dy * dy || 1)));
  return Math.hypot(x1 + share * dx, y1 + share * dy);
}

async function fetched(address) {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`status ${response.status}`);
  return response.json();
}

function script(address) {
  return window.L ? Promise.resolve() : loaded(element("script", { src: address }));
}

function style(address) {
  return document.querySelector(`link[href="${address}"]`) ? Promise.resolve() : loaded(element("link", { rel: "stylesheet", href: address }));
}

function loaded(part) {
  return new Promise((done, failed) => {
    part.addEventListener("load", done);
    part.addEventListener("error", failed);
    document.head.append(part);
  });
}
