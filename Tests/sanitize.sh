#!/usr/bin/env bash
# Tests/sanitize.sh address|thread [pytest arguments]: builds the release with a sanitizer into .build/sanitize-…, and runs the end-to-end tests on it.
# A finding is a failed test. Deploy/test.sh must have run before: it makes the virtual environment (or name another Python in PYTHON).
#
#   MENWEI_SCRATCH=FOLDER   build there instead
#
# Nothing is measured: memory counts as 0, tests of nothing but memory or processor time are left out. `thread` needs the program linked against the
# dynamic standard library, and the files of Tests/Sanitize between the two.
set -euo pipefail
cd "$(dirname "$0")/.."

sanitizer=${1:-}
case $sanitizer in
    address|thread) shift ;;
    *) echo "usage: Tests/sanitize.sh address|thread [pytest arguments]" >&2; exit 2 ;;
esac

scratch=${MENWEI_SCRATCH:-.build/sanitize-$sanitizer}
mkdir -p "$scratch"
arguments=(-c release --product menwei --sanitize="$sanitizer" --scratch-path "$scratch")
if [ "$sanitizer" = thread ]; then
    clang=$(dirname "$(readlink -f "$(command -v swift)")")/clang
    for part in mutex continuation; do
        "$clang" -O1 -c "Tests/Sanitize/$part.c" -o "$scratch/$part.o"
        arguments+=(-Xlinker "$(readlink -f "$scratch")/$part.o")
    done
fi
swift build "${arguments[@]}"

# One report must not end a process: the test that finds it there fails.
export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1:quarantine_size_mb=16:${ASAN_OPTIONS:-}
export TSAN_OPTIONS=halt_on_error=0:second_deadlock_stack=1:history_size=4:${TSAN_OPTIONS:-}
export MENWEI_SANITIZER=$sanitizer
export MENWEI_BIN=$(swift build "${arguments[@]}" --show-bin-path)/menwei
measured='not test_budgets and not memory and not cost_little and not never_ends and not stray_flood and not spinning and not large'
exec "${PYTHON:-.venv/bin/python}" -m pytest --rootdir Tests/EndToEnd -c Tests/EndToEnd/pytest.ini Tests/EndToEnd -k "$measured" "$@"
