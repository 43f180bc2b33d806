#!/bin/sh
# reproducible.sh WORK [--packages] - two builds, in two folders, of files of two ages, under two settings of what the
# compiler could pick up, are the same bytes: libraries and commands; with --packages the .deb and .tar.gz as well.
# Without, the comparison is seen to fail in the end: a build that keeps its folder's name, one that keeps the times.
set -eu
export LC_ALL=C
cd "$(dirname "$0")/.."
work=$(realpath -m "${1:?usage: reproducible.sh WORK [--packages]}")
target=all
[ "${2:-}" != --packages ] || target=package
rm -rf "$work"

plant='' # sed's command for CMakeLists.txt
build() { # folder, where, time
  mkdir -p "$1"
  cp -r CMakeLists.txt LICENSE core syscall cli "$1"
  [ -z "$plant" ] || sed -i "$plant" "$1/CMakeLists.txt"
  find "$1" -exec touch -d "$3" {} +
  SOURCE_DATE_EPOCH=$(date -d "$(sed -n 's/^ -- .*>  //p' core/package/changelog | head -n 1)" +%s)
  export SOURCE_DATE_EPOCH
  { cmake -S "$1" -B "$2" -DCMAKE_INSTALL_PREFIX=/usr && cmake --build "$2" --parallel 2 --target "$target"; } \
    >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
}

build_twice() {
  (TZ=Asia/Tokyo USER=one build "$work/one" "$work/one/build" "2001-01-01 00:00")
  (TZ=America/Lima USER=other build "$work/another/folder" "$work/elsewhere/built" "2020-02-02 20:20")
}

build_twice
made="cli/daemonize cli/daemoncheck core/libblivet.a core/libblivet.so"
[ "$target" = all ] || made="$made $(cd "$work/one/build" && ls ./*.deb ./*.tar.gz)"
status=0
for file in $made; do
  if cmp "$work/one/build/$file" "$work/elsewhere/built/$file"; then
    echo "ok   the same bytes twice: $(basename "$file")"
  else
    echo "FAIL not the same bytes: $work/one/build/$file"
    status=1
  fi
done
[ "$target" = all ] || exit $status

target=blivet_static
for plant in '/-ffile-prefix-map/d' 's/ qcD / qcU /; s/RANLIB> -D /RANLIB> -U /'; do
  rm -rf "$work"
  build_twice
  if cmp -s "$work/one/build/core/libblivet.a" "$work/elsewhere/built/core/libblivet.a"; then
    echo "FAIL planted, and the same bytes all the same: $plant"
    status=1
  else
    echo "ok   planted, and not the same bytes: $plant"
  fi
done
exit $status
