#!/bin/sh
# mcdc.sh - modified condition/decision coverage of core/ and cli/ under the unit tests and the torture in process, by
# clang 19: has each condition of each decision been seen to turn the outcome by itself?
#
#   sh tests/mcdc.sh
#
# Prints the figure of each file and lists the decisions that lack a pair; build-mcdc/mcdc.json has the figures.
set -eu
cd "$(dirname "$0")/.."
. tests/install.sh
require clang-19:clang-19 llvm-cov-19:llvm-19 python3:python3 /usr/include/cmocka.h:libcmocka-dev
[ -n "$(find /usr/lib/llvm-19/lib/clang -name 'libclang_rt.profile*.a' 2>/dev/null)" ] || require /nowhere:libclang-rt-19-dev
out='build-mcdc'
flags='-std=c11 -O0 -g -w -fPIC -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -Icore'
measured='-fprofile-instr-generate -fcoverage-mapping -fcoverage-mcdc'
rm -rf $out
mkdir $out

for source in core/*.c cli/*.c; do
  case $source in cli/main.c | cli/daemoncheck.c) continue ;; esac # they have a main of their own
  # shellcheck disable=SC2086
  clang-19 $flags $measured -c "$source" -o "$out/$(echo "$source" | tr / _).o"
done
for source in syscall/libc.c syscall/trace.c faults/script.c faults/kernel*.c; do
  # shellcheck disable=SC2086
  clang-19 $flags -c "$source" -o "$out/$(echo "$source" | tr / _).o"
done
clang-19 -shared -fprofile-instr-generate $out/*.o -o $out/subject.so
for test in tests/unit/test_*.c; do
  program=$out/$(basename "$test" .c)
  # shellcheck disable=SC2086
  clang-19 $flags -fprofile-instr-generate "$test" $out/subject.so -lcmocka -Wl,-rpath,"$PWD/$out" -o "$program"
  LLVM_PROFILE_FILE=$program.profraw "$program" >"$program.log" 2>&1 || { cat "$program.log"; exit 1; }
done
# shellcheck disable=SC2086
clang-19 $flags -fprofile-instr-generate tests/torture/torture.c tests/torture/judge.c tests/torture/promises.c \
  tests/torture/situations.c $out/subject.so -Wl,-rpath,"$PWD/$out" -o $out/torture
LLVM_PROFILE_FILE=$out/torture.profraw $out/torture tests/torture/promises.txt $out/torture.jsonl >$out/torture.log ||
  { tail -3 $out/torture.log; exit 1; }
llvm-profdata-19 merge -o $out/all.profdata $out/*.profraw
llvm-cov-19 show $out/subject.so -instr-profile $out/all.profdata -show-mcdc >$out/show.txt
python3 - $out <<'PYTHON'
import json, os, re, sys
out = sys.argv[1]
pairs, name, region = {}, None, ""
for text in open(f"{out}/show.txt"):
    if match := re.match(r"(/\S+\.[ch]):$", text):
        name = os.path.relpath(match[1])
    elif match := re.search(r"MC/DC Decision Region \((.*)\)$", text):
        region = match[1]
    elif match := re.search(r"C(\d+)-Pair: (not )?covered", text):
        # What stands once, in a macro or an inline function, is shown once for each place that has it.
        key = (name, region, match[1])
        pairs[key] = pairs.get(key, False) or not match[2]
files = {}
for (name, region, condition), shown in sorted(pairs.items()):
    one = files.setdefault(name, {"conditions": 0, "shown": 0, "missing": []})
    one["conditions"] += 1
    one["shown"] += shown
    if not shown:
        one["missing"].append(f"{region.split(':')[0]}: condition {condition}")
total = {folder: [sum(one[key] for path, one in files.items() if path.startswith(folder)) for key in ("shown", "conditions")]
         for folder in ("core/", "cli/")}
for path, one in sorted(files.items()):
    print(f"{path:24} {one['shown']:4} of {one['conditions']:4}   {', '.join(one['missing'])}")
for folder, (shown, conditions) in total.items():
    print(f"{folder} {shown} of {conditions} conditions, {100 * shown / conditions:.1f} %")
json.dump({"total": total, "files": files}, open(f"{out}/mcdc.json", "w"), indent=1)
PYTHON
echo "cannot be shown, for the reason that the line gives:"
grep -rn GCOVR_EXCL core cli || echo "nothing"
python3 tests/evidence/keep.py mcdc $out/mcdc.json
