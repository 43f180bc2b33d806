#!/bin/sh
# consumers.sh BUILD - install into a prefix, and use what is there as a stranger would: every example by pkg-config
# (shared, static) and by find_package, in C and C++; one of each is run.  The same by add_subdirectory.  And what a
# packager asks for is not overruled.
set -eu
cd "$(dirname "$0")/../.."
build=$(realpath "${1:?usage: consumers.sh BUILD}")
work=$build/consumers
version=$(sed -n 's/^#define BLIVET_VERSION "\(.*\)"/\1/p' core/blivet.h)
pidfile=$work/daemon.pid
rm -rf "$work"
mkdir -p "$work"
stop() { # the daemon that was started, if one was
  [ ! -s "$pidfile" ] || kill "$(cat "$pidfile")" 2>/dev/null || true
  rm -f "$pidfile"
}
trap stop EXIT
fail() {
  echo "FAIL install: $*"
  exit 1
}

# Installed twice, the second time by DESTDIR: the same tree.
cmake --install "$build" --prefix "$work/first" >"$work/log"
DESTDIR="$work/root" cmake --install "$build" --prefix /opt/blivet >>"$work/log"
diff -r "$work/first" "$work/root/opt/blivet" || fail "DESTDIR makes another tree"
mv "$work/first" "$work/prefix" # nothing in it may know where it was installed
prefix=$work/prefix
for file in include/blivet.h share/man/man3/blivet.3 share/man/man7/blivet.7 share/doc/blivet/LICENSE \
  share/doc/blivet/changelog; do
  [ -s "$prefix/$file" ] || fail "$file is not there"
done
for command in daemonize daemoncheck; do
  for file in bin/$command share/man/man1/$command.1 share/bash-completion/completions/$command \
    share/zsh/site-functions/_$command share/fish/vendor_completions.d/$command.fish; do
    [ -s "$prefix/$file" ] || fail "$file is not there"
  done
  [ "$("$prefix/bin/$command" --version)" = "$command $version" ] || fail "$command --version is not $version"
done
echo "ok   cmake --install, with DESTDIR too: $(find "$prefix" -type f | wc -l) files"

PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name blivet.pc)")
libraries=$(dirname "$PKG_CONFIG_PATH")
export PKG_CONFIG_PATH
[ "$(pkg-config --modversion blivet)" = "$version" ] || fail "blivet.pc is not of version $version"

try() { # program: it becomes a daemon and runs another program; the start is good only if that runs
  LD_LIBRARY_PATH=$libraries "$1" "$pidfile" sleep 60 || fail "$1 exits with $?"
  [ "$(cat "/proc/$(cat "$pidfile")/comm")" = sleep ] || fail "$1: the pidfile names no running program"
  stop
}

strict="-Wall -Wextra -Wpedantic -Werror"
for form in shared static; do
  count=0
  for source in tests/examples/*.c tests/examples/*.cpp; do
    name=$(basename "${source%.*}")
    case $source in *.cpp) compiler="${CXX:-c++} -std=c++17" ;; *) compiler="${CC:-cc} -std=c11" ;; esac
    case $form in
    static) flags="-static $(pkg-config --static --cflags --libs blivet)" ;;
    *) flags=$(pkg-config --cflags --libs blivet) ;;
    esac
    # shellcheck disable=SC2086
    $compiler $strict "$source" -o "$work/$name-$form" $flags 2>"$work/said" ||
      { cat "$work/said"; fail "$source by pkg-config, $form"; }
    count=$((count + 1))
  done
  try "$work/exec-$form"
  echo "ok   pkg-config, $form: $count examples, one is run"
done
readelf -dW "$work/exec-shared" | grep -q "NEEDED.*libblivet.so.${version%%.*}\]" || fail "exec-shared is not linked with the library"
! readelf -dW "$work/exec-static" | grep -q NEEDED || fail "exec-static needs a library"

sources=$(printf '%s;' "$PWD"/tests/examples/*.c "$PWD"/tests/examples/*.cpp)
use_cmake() { # folder, version wanted, sources
  cmake -S tests/install -B "$work/$1" -DCMAKE_PREFIX_PATH="$prefix" -DWANTED="$2" -DSOURCES="$3" >"$work/said" 2>&1
}
{ use_cmake cmake "$version" "$sources" && cmake --build "$work/cmake" --parallel 2 >"$work/said" 2>&1; } ||
  { cat "$work/said"; fail "find_package"; }
try "$work/cmake/exec-blivet"
try "$work/cmake/exec-blivet_static"
if use_cmake refused 99.0 ""; then
  fail "find_package gives $version to whoever asks for 99.0"
fi
echo "ok   find_package: blivet::blivet and blivet::blivet_static, one example of each is run; 99.0 is not found"

cmake -S tests/install -B "$work/vendored" -DVENDORED="$PWD" -DSOURCES="$sources" >"$work/said" 2>&1 &&
  cmake --build "$work/vendored" --parallel 2 >"$work/said" 2>&1 || { cat "$work/said"; fail "add_subdirectory"; }
try "$work/vendored/exec-blivet"
try "$work/vendored/exec-blivet_static"
[ ! -e "$work/vendored/blivet/cli/daemonize" ] || fail "add_subdirectory: EXCLUDE_FROM_ALL builds the command too"
echo "ok   add_subdirectory: the same two, beside targets named core, cli, check, syscall and trace"

asks() { # name, words for CMake; leaves the flags of the library's own files in "flags", each with a space before and behind
  name=$1
  shift
  cmake -S . -B "$work/$name" "$@" >"$work/said" 2>&1 || { cat "$work/said"; fail "$name"; }
  flags=" $(sed -n 's/^C_FLAGS = //p' "$work/$name"/CMakeFiles/blivet_core.dir/flags.make) "
}
last_of() { # pattern: the last of the flags that match it, which is the one that counts
  echo "$flags" | tr ' ' '\n' | grep -E "$1" | tail -n 1
}
is() { # name, what it is, what it should be
  [ "$2" = "$3" ] || fail "$1: '$2' instead of '$3'"
}
asks usual -DCMAKE_BUILD_TYPE=Release
is usual "$(last_of ^-O) $(last_of _FORTIFY_SOURCE) $(last_of stack-protector)" "-Os -D_FORTIFY_SOURCE=2 -fstack-protector-strong"
asks packager -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_FLAGS="-fstack-protector-all -D_FORTIFY_SOURCE=3" -DCMAKE_C_FLAGS_RELEASE=-O2
is packager "$(last_of ^-O) $(last_of _FORTIFY_SOURCE) $(last_of stack-protector)" "-O2 -D_FORTIFY_SOURCE=3 -fstack-protector-all"
asks static -DCMAKE_BUILD_TYPE=Debug -DBUILD_SHARED_LIBS=OFF
cmake --build "$work/static" --parallel 2 >"$work/said" 2>&1 || { cat "$work/said"; fail "BUILD_SHARED_LIBS=OFF"; }
cmake --install "$work/static" --prefix "$work/alone" >>"$work/log"
is "BUILD_SHARED_LIBS=OFF" "$(find "$work/static" "$work/alone" -name '*.so*')" ""
prefix=$work/alone
{ use_cmake needs-one "$version" "$PWD/tests/examples/exec.c" && cmake --build "$work/needs-one" >"$work/said" 2>&1; } ||
  { cat "$work/said"; fail "find_package without a shared library"; }
try "$work/needs-one/exec-blivet"
echo "ok   a packager's flags are the last word, and BUILD_SHARED_LIBS=OFF leaves blivet::blivet, which is static"
