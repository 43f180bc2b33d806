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
  chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --user-data-dir="$home" --allow-file-access-from-files "$@" 2>"$home/log" ||
    { tail -5 "$home/log"; exit 1; }
}

# In a frame, which may be narrower than a browser's window, from a part of the page on; its title is the width that the
# page takes.
picture() { # name, width, part, option of the browser ...
  name=$1 width=$2 part=$3
  shift 3
  cat >"$home/frame.html" <<END
<!doctype html><meta name=color-scheme content="light dark">
<style>body { margin: 0 } iframe { border: 0; width: ${width}px; height: 1800px }</style>
<iframe src="file://$page"></iframe>
<script>onload = () => {
  const page = frames[0].document, part = page.getElementById("$part")
  document.title = "wide: " + page.documentElement.scrollWidth
  if (part) part.scrollIntoView()
}</script>
END
  browser --window-size="$((width < 500 ? 500 : width)),1800" "$@" --screenshot="$folder/$name.png" "file://$home/frame.html"
}

picture light 1280 top
picture light-faults 1280 faults
picture light-figures 1280 figures
picture dark 1280 top --blink-settings=preferredColorScheme=0
picture dark-faults 1280 faults --blink-settings=preferredColorScheme=0
picture phone-faults 360 faults
picture phone 360 top
browser --dump-dom "file://$home/frame.html" >"$home/dom"
browser --no-pdf-header-footer --print-to-pdf="$folder/paper.pdf" "file://$page"
rm -f "$folder"/paper-*.png
pdftoppm -r 60 -png "$folder/paper.pdf" "$folder/paper"

wide=$(sed -n 's/.*<title>wide: \([0-9]*\)<.*/\1/p' "$home/dom")
[ "${wide:-361}" -le 360 ] || { echo "FAIL on a phone of 360 pixels the page is ${wide:-of unknown width} wide"; exit 1; }
echo "ok   $page: no wider than a phone of 360 pixels; pictures in $folder"
