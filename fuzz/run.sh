#!/bin/sh
# run.sh - fuzzes: any bytes, judged by the demands of each target, under address and undefined-behaviour sanitizers.
#
#   sh fuzz/run.sh SECONDS [TARGET ...]       targets: check config notice options verdict
#
# All targets run at the same time, each for SECONDS; how much processor time each had is told beside.
# It starts from fuzz/corpus/TARGET (in the repository) and build-fuzz/TARGET (what earlier runs found), and keeps what
# is new in build-fuzz/TARGET.  A finding stays as build-fuzz/TARGET-crash-* and so on, and makes the exit status 1.
# build-fuzz/figures.json has for each target runs, seconds, processor time, edges of coverage and findings, this run's
# and the sum of all.  MINIMISE=yes afterwards makes the corpus of the repository anew: the smallest set that covers as
# much.
set -eu
cd "$(dirname "$0")/.."
. tests/install.sh
seconds=${1:?usage: run.sh SECONDS [TARGET ...]}
shift
[ $# -gt 0 ] || set -- check config notice options verdict
require clang:clang python3:python3
[ -n "$(find /usr/lib/llvm-*/lib/clang -name 'libclang_rt.fuzzer-*.a' 2>/dev/null)" ] || require /nowhere:libclang-rt-14-dev
out=build-fuzz
mkdir -p "$out"

flags='-g -O1 -std=c11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -fsanitize=fuzzer-no-link,address,undefined
  -fno-sanitize-recover=all'
rm -rf "$out/objects"
mkdir "$out/objects"
for source in core/*.c syscall/libc.c syscall/trace.c faults/script.c faults/kernel*.c cli/*.c; do
  case $source in cli/main.c | cli/daemoncheck.c) continue ;; esac # they have a main of their own
  # shellcheck disable=SC2086
  clang $flags -c "$source" -o "$out/objects/$(echo "$source" | tr / _).o"
done

run() { # target: its log ends with what `times` says of the fuzzer
  dictionary=
  [ ! -f "fuzz/$1.dict" ] || dictionary=-dict=fuzz/$1.dict
  # shellcheck disable=SC2086
  "$out/fuzz_$1" -max_total_time="$seconds" -max_len=2048 -timeout=10 -print_final_stats=1 $dictionary \
    -artifact_prefix="$out/$1-" "$out/$1" "fuzz/corpus/$1" && code=0 || code=$?
  times
  return "$code"
}

# libFuzzer's last words: "stat::number_of_executed_units: N", and the last "cov: N".
note() { # target, log
  python3 - "$1" "$2" "$out" <<'PYTHON'
import glob, json, os, re, sys
target, log, out = sys.argv[1:]
text = open(log, encoding="utf-8", errors="replace").read()
last = lambda pattern: int((re.findall(pattern, text) or [0])[-1])
user_and_system = re.findall(r"(\d+)m([\d.]+)s", text)[-2:]
path = os.path.join(out, "figures.json")
figures = json.load(open(path)) if os.path.exists(path) else {}
one = figures.setdefault(target, {"runs": 0, "seconds": 0, "cpu": 0})
one["last_runs"] = last(r"number_of_executed_units: (\d+)")
one["last_seconds"] = last(r"Done \d+ runs in (\d+) second")
one["last_cpu"] = round(sum(60 * int(minutes) + float(rest) for minutes, rest in user_and_system))
for key in ("runs", "seconds", "cpu"):
    one[key] += one["last_" + key]
one["coverage"] = last(r"cov: (\d+)")
one["corpus"] = len(os.listdir(os.path.join("fuzz/corpus", target)))
one["findings"] = sorted(name for kind in ("crash", "timeout", "oom", "leak")
                         for name in glob.glob(os.path.join(out, f"{target}-{kind}-*")))
json.dump(figures, open(path, "w"), indent=1)
print(f"{target}: {one['last_runs']} runs in {one['last_seconds']} s ({one['last_cpu']} s of a processor), {one['coverage']} edges, "
      f"{len(one['findings'])} findings; in all {one['runs']} runs in {one['seconds']} s ({one['cpu']} s)")
PYTHON
}

minimise() { # target
  rm -rf "$out/smallest"
  mkdir "$out/smallest"
  "$out/fuzz_$1" -merge=1 "$out/smallest" "fuzz/corpus/$1" "$out/$1" >"$out/$1-merge.log" 2>&1
  for input in "$out/smallest"/*; do
    [ "$(find "fuzz/corpus/$1" -type f -exec cmp -s {} "$input" \; -print)" ] || cp "$input" "fuzz/corpus/$1/"
  done
}

for target; do
  [ -f "fuzz/$target.c" ] || { echo "no such target: $target" >&2; exit 64; }
  # shellcheck disable=SC2086
  clang $flags -fsanitize=fuzzer "fuzz/$target.c" "$out"/objects/*.o -o "$out/fuzz_$target"
  mkdir -p "$out/$target"
done
rm -f "$out"/*.failed
for target; do
  { run "$target" >"$out/$target.log" 2>&1 || : >"$out/$target.failed"; } &
done
wait
status=0
for target; do
  [ ! -e "$out/$target.failed" ] || { status=1; tail -40 "$out/$target.log"; }
  note "$target" "$out/$target.log"
done
[ "${MINIMISE:-}" != yes ] || [ "$status" -ne 0 ] || for target; do minimise "$target"; done
python3 tests/evidence/keep.py fuzz "$out/figures.json"
exit "$status"
