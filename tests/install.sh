# shellcheck shell=sh
# install.sh - read by the scripts: require COMMAND-OR-FILE:PACKAGE ... installs what is missing, or says what.

require() {
  missing=
  for pair in "$@"; do
    thing=${pair%%:*}
    case $thing in
    /*) [ -e "$thing" ] || missing="$missing ${pair#*:}" ;;
    *) command -v "$thing" >/dev/null 2>&1 || missing="$missing ${pair#*:}" ;;
    esac
  done
  # libc6-dev comes only with a compiler by recommendation
  if [ -z "$missing" ] && [ ! -e /usr/include/stdio.h ]; then missing=" libc6-dev"; fi
  case $missing in *gcc*) missing="$missing libc6-dev" ;; esac
  [ -n "$missing" ] || return 0
  if ! command -v apt-get >/dev/null 2>&1; then
    echo "missing, and there is no apt-get to install it:$missing" >&2
    exit 1
  fi
  as_root=
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null 2>&1 || { echo "missing; as root: apt-get install$missing" >&2; exit 1; }
    as_root=sudo
  fi
  echo "installing:$missing"
  # Another apt may be at work, or the mirror not to be had for a moment: it is waited for, and tried three times.
  apt="$as_root apt-get -qq -o DPkg::Lock::Timeout=300"
  for pause in 15 30 0; do
    # shellcheck disable=SC2086
    { $apt update && DEBIAN_FRONTEND=noninteractive $apt install -y --no-install-recommends $missing; } </dev/null >/dev/null &&
      return 0
    sleep $pause
  done
  echo "could not install:$missing" >&2
  exit 1
}
