"""How heavy the chat page is, and how soon it can be used on a slow line, beside scripts of the size of other widgets.

``python -m bench.web`` prints gzipped bytes of every part, and seconds until a resident can write, at 400 kbit/s and
400 ms round trip (Chromium's own throttling), with nothing in the cache and with the page visited before. The others
are a page with one script of that many bytes, which does nothing: the least that such a widget can take.
"""

from __future__ import annotations

import argparse
import gzip
import os
import re
import statistics
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
from playwright.sync_api import Browser, BrowserContext, sync_playwright

HOUSE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(HOUSE / "tests"))

from doubles.conversation import small_conversation  # noqa: E402 - the portal is started as the tests start it
from doubles.portal import RELAY_SECRET, Portal, tiny_pack  # noqa: E402
from doubles.relay import RelayDouble  # noqa: E402

from city311.store import migrate  # noqa: E402
from city311.store.base import open_engine  # noqa: E402

OTHERS = {"deep-chat": 111_000, "rasa-webchat": 212_000}
"""Gzipped bytes of their published scripts, as measured for this project's goals."""
KBIT_S = 400
ROUND_TRIP_MS = 400
CHROMIUM = os.environ.get("CITY311_CHROMIUM", "/usr/bin/chromium")
READY = "#log[aria-live=polite], html[data-ready]"


@contextmanager
def page_with_a_script(size: int) -> Iterator[str]:
    """A page whose one script has ``size`` bytes that no compression makes fewer."""
    script = b"document.documentElement.dataset.ready=1;//" + os.urandom(size).hex().encode()[: size - 43]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body, kind = (
                (script, "text/javascript")
                if self.path == "/script.js"
                else (b"<script src=/script.js></script>", "text/html")
            )
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "max-age=3600")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()


def weight(url: str) -> dict[str, int]:
    """Gzipped bytes of each part that the page needs before a map."""
    page = httpx.get(url)
    addresses = sorted(set(re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text)))
    return {"page": len(gzip.compress(page.content))} | {
        address.rsplit("/", 1)[1]: len(gzip.compress(httpx.get(url + address).content)) for address in addresses
    }


def seconds(context: BrowserContext, url: str) -> float:
    """From asking for the page until it can be used."""
    page = context.new_page()
    line = context.new_cdp_session(page)
    line.send("Network.enable")
    speed = KBIT_S * 1000 / 8
    line.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": ROUND_TRIP_MS, "downloadThroughput": speed, "uploadThroughput": speed},
    )
    page.goto(url, wait_until="commit", timeout=120_000)
    page.locator(READY).wait_for(state="attached", timeout=120_000)
    took = float(page.evaluate("performance.now()")) / 1000
    page.close()
    return took


def both(browser: Browser, url: str, runs: int) -> tuple[float, float]:
    """Median seconds of the first visit and of the second."""
    first, second = [], []
    for _ in range(runs):
        context = browser.new_context(service_workers="block")
        first.append(seconds(context, url))
        second.append(seconds(context, url))
        context.close()
    return statistics.median(first), statistics.median(second)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    arguments.add_argument("--runs", type=int, default=3)
    runs = arguments.parse_args().runs
    with tempfile.TemporaryDirectory() as folder, RelayDouble(RELAY_SECRET, small_conversation) as relay:
        database = f"sqlite:///{folder}/city311.db"
        migrate.upgrade(database)
        with (
            Portal(open_engine(database), relay.port, pack=tiny_pack(), profile="production") as portal,
            sync_playwright() as playwright,
        ):
            parts = weight(portal.url)
            ours = sum(parts.values())
            for name, size in sorted(parts.items(), key=lambda part: -part[1]):
                print(f"{size:8,} B  {name}")
            print(f"{ours:8,} B  in all, gzipped\n")
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
            line = f"at {KBIT_S} kbit/s, {ROUND_TRIP_MS} ms"
            print(f"{'':14}{'gzipped':>10}{'ratio':>8}   usable after ({line}): first visit, ratio; second visit")
            first, second = both(browser, portal.url, runs)
            print(f"{'City311':14}{ours / 1000:7.1f} kB{1:8.1f}{first:12.1f} s{1:8.1f}{second:12.1f} s")
            for name, size in OTHERS.items():
                with page_with_a_script(size) as url:
                    theirs, again = both(browser, url, runs)
                print(f"{name:14}{size / 1000:7.1f} kB{size / ours:8.1f}{theirs:12.1f} s{theirs / first:8.1f}", end="")
                print(f"{again:12.1f} s")
            browser.close()


if __name__ == "__main__":
    main()
