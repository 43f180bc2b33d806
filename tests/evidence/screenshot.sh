#!/bin/sh
# screenshot.sh - pictures of the page of evidence in a real browser: wide, light and dark, on a phone, and on paper.
#
#   sh tests/evidence/screenshot.sh [PAGE [FOLDER]]       default: build/evidence.html, build/screenshots
#
# Fails where the page is wider than a phone of 360 pixels.
set -eu
cd "$(dirname "$0")/../.."
. tests/install.sh
require chromium:chromium pdftoppm:poppler-utils /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf:fonts-dejavu-core
page=$(realpath "${1:-build/evidence.html}")
folder=${2:-build/screenshots}
mkdir -p "$folder"
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT

browser() {
  chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --user-data-dir="$home" "$@" "file://$page" >"$home/log" 2>&1 ||
    { tail -5 "$home/log"; exit 1; }
}

browser --window-size=1280,2400 --screenshot="$folder/light.png"
browser --window-size=1280,2400 --blink-settings=preferredColorScheme=0 --screenshot="$folder/dark.png"
browser --no-pdf-header-footer --print-to-pdf="$folder/paper.pdf"
pdftoppm -r 60 -png "$folder/paper.pdf" "$folder/paper"

# A window of a browser has a least width; a frame has none.
cat >"$home/phone.html" <<END
<!doctype html><style>body { margin: 0 } iframe { border: 0; width: 360px; height: 2400px }</style>
<iframe src="file://$page"></iframe>
<script>onload = () => { document.title = "wide: " + frames[0].document.documentElement.scrollWidth }</script>
END
made=$page page=$home/phone.html
browser --window-size=500,2400 --screenshot="$folder/phone.png"
chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --user-data-dir="$home" --allow-file-access-from-files --dump-dom "file://$page" \
  >"$home/dom" 2>"$home/log"
wide=$(sed -n 's/.*<title>wide: \([0-9]*\)<.*/\1/p' "$home/dom")
[ "${wide:-361}" -le 360 ] || { echo "FAIL on a phone of 360 pixels the page is ${wide:-of unknown width} wide"; exit 1; }
echo "ok   $made: no wider than a phone of 360 pixels; pictures in $folder"
