#!/bin/sh
# run.sh - the whole test command: installs what is missing, builds, and passes the tests.
#
#   sh tests/run.sh
#
# Unit tests in process (CMocka), the audit of the objects, the documents against the code, coverage against its
# thresholds, and process tests with real forks.  As root it also runs the cases that only root can judge, in a mount
# namespace of their own.  Slower things, other compilers and other C libraries, are in tests/matrix.sh.
set -eu
cd "$(dirname "$0")/.."
exec </dev/null # whoever starts us with descriptor 0 closed would give that number to the first file a test opens
. tests/install.sh
. tests/evidence/kept.sh

require cc:gcc c++:g++ make:make cmake:cmake python3:python3 gcovr:gcovr strace:strace nm:binutils unshare:util-linux \
  mandoc:mandoc bash:bash zsh:zsh fish:fish ps:procps pkg-config:pkgconf abidw:abigail-tools \
  /usr/share/bash-completion/bash_completion:bash-completion /usr/include/cmocka.h:libcmocka-dev /usr/include/fiu.h:libfiu-dev

cmake --preset test >build.log 2>&1 || { cat build.log; rm -f build.log; exit 1; }
mv build.log build/configure.log
cmake --build build --parallel "$(nproc)"

echo "== lint"
kept lint sh tests/lint.sh
echo "== unit tests"
kept unit ctest --test-dir build --output-on-failure -E '^torture$'
cat build/Testing/Temporary/LastTest.log >>build/results/unit.log
echo "== torture in process"
kept torture build/tests/torture/torture tests/torture/promises.txt build/torture.jsonl
echo "== audit"
kept audit sh tests/audit.sh build
kept footprint python3 tests/bench/footprint.py build/core/libblivet.a
echo "== install"
kept consumers sh tests/install/consumers.sh build
kept abi sh tests/abi/check.sh build
kept abi_planted sh tests/abi/planted.sh build/abi-planted
kept one_file sh tests/install/one_file.sh build
kept reproducible sh tests/reproducible.sh build/reproducible
echo "== documents"
kept documents python3 tests/documents.py build
echo "== model"
kept model sh tests/model/run.sh
echo "== golden traces"
kept golden python3 tests/torture/golden.py --build build/tests/torture
echo "== coverage"
kept coverage sh tests/coverage.sh
echo "== torture of real processes"
kept torture_real sh tests/torture/run.sh plain
echo "== process tests"
servers=
if sh tests/process/servers.sh build/servers; then
  servers="--servers build/servers"
fi
# shellcheck disable=SC2086
kept process python3 tests/process/run.py --command build/cli/daemonize --app build/tests/app --results build/process.jsonl -j 2 $servers
echo "== every row of the specification"
kept rows python3 tests/evidence/rows.py
