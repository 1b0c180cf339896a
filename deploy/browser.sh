#!/bin/sh
# Sees to it that the browser tests find a Chromium. Never fails: without one those tests are skipped, and say so.
set -u

chromium=${CITY311_CHROMIUM:-/usr/bin/chromium}
[ -x "$chromium" ] && exit 0

how_to() {
	echo "No Chromium at $chromium, so the browser tests will be skipped. To run them:"
	echo "  Debian         sudo apt-get install chromium"
	echo "  Fedora         sudo dnf install chromium, then CITY311_CHROMIUM=/usr/bin/chromium-browser make test"
	echo "  Ubuntu, macOS  install Chromium or Chrome, then CITY311_CHROMIUM=/path/to/it make test"
}

if [ -n "${CITY311_CHROMIUM:-}" ] || [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
	how_to
	exit 0
fi
log=var/log/browser.log
mkdir -p var/log
echo "Installing Chromium for the browser tests …"
export DEBIAN_FRONTEND=noninteractive
if ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; } </dev/null >"$log" 2>&1; then
	echo "apt-get could not install it. The last lines of $log:"
	tail -n 5 "$log"
fi
[ -x "$chromium" ] || how_to
exit 0
