// Keeps the page itself at hand for a bad connection: nothing of a conversation ever goes through here.

const SHELL = "city311-shell";

addEventListener("install", () => skipWaiting());

addEventListener("activate", (event) => event.waitUntil(clients.claim()));

addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin) return;
  if (request.mode === "navigate" && pathname === "/") event.respondWith(fromNetwork(request));
  else if (pathname.startsWith("/static/")) event.respondWith(fromShelf(request));
});

// The page as the city has it now; without a connection, as it was last time.
async function fromNetwork(request) {
  const shelf = await caches.open(SHELL);
  try {
    const response = await fetch(request);
    if (response.ok) await shelf.put("/", response.clone());
    return response;
  } catch {
    return (await shelf.match("/")) ?? Response.error();
  }
}

// Scripts and styles have another address with each version, so what is kept is never old.
async function fromShelf(request) {
  const shelf = await caches.open(SHELL);
  const kept = await shelf.match(request);
  if (kept) return kept;
  const response = await fetch(request);
  if (response.ok) {
    const folder = new URL(request.url).pathname.split("/", 3).join("/");
    for (const old of await shelf.keys()) {
      const { pathname } = new URL(old.url);
      if (pathname.startsWith("/static/") && !pathname.startsWith(folder)) await shelf.delete(old);
    }
    await shelf.put(request, response.clone());
  }
  return response;
}
