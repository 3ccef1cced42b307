#!/usr/bin/env bash
# Deploy/test.sh: installs what is missing and runs every test. Without arguments all of it, the end-to-end tests last; with arguments the end-to-end
# tests alone, the arguments going to pytest: Deploy/test.sh -k tickets
#
#   MENWEI_KEEP=FOLDER   keep configurations, stores and screenshots of the run there
#   MENWEI_LARGE=1       move 2 GiB through the gateway, too
#   MENWEI_FUZZ_SECONDS  how long each fuzzer runs (60)
set -euo pipefail
cd "$(dirname "$0")/.."
Deploy/install.sh test

if [ $# -eq 0 ]; then
    echo "== unit tests"
    swift test
fi

echo "== release"
menwei=$(Deploy/build.sh)

if [ $# -eq 0 ]; then
    echo "== fuzzers"
    Tests/Fuzz/run.sh "${MENWEI_FUZZ_SECONDS:-60}"
fi

# The virtual environment is made anew where the list of packages or the Python changed.
python=${PYTHON:-python3}
requirements=Tests/EndToEnd/requirements.txt
wanted="$("$python" --version) $(sha256sum <"$requirements")"
if [ "$(cat .venv/made-from 2>/dev/null || true)" != "$wanted" ]; then
    echo "== Python packages"
    "$python" -c 'import sys; sys.exit("Python 3.11 or newer is needed" if sys.version_info < (3, 11) else 0)'
    rm -rf .venv
    "$python" -m venv .venv
    .venv/bin/python -m pip install --quiet --requirement "$requirements"
    echo "$wanted" >.venv/made-from
fi

echo "== end-to-end tests"
export MENWEI_BIN=$menwei
# The same odd requests in every run; MENWEI_SEED=0 makes new ones.
export MENWEI_SEED=${MENWEI_SEED:-20261129}
pytest=(.venv/bin/python -m pytest --rootdir Tests/EndToEnd -c Tests/EndToEnd/pytest.ini Tests/EndToEnd)
if [ $# -gt 0 ]; then exec "${pytest[@]}" "$@"; fi
"${pytest[@]}" -n 2 --dist loadfile -m "not measuring"
exec "${pytest[@]}" -m measuring
