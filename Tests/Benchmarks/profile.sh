#!/usr/bin/env bash
# Tests/Benchmarks/profile.sh [--requests N] [--top N]: where the gateway's instructions go. Runs it under valgrind's callgrind with an authenticated
# load over HTTP/1.1 and HTTP/2, and prints, as Markdown, instructions per request, the functions that take most of them (by themselves, and with what
# they call), who calls the ones that are dear in numbers, and the system calls per request. Counts, not times: they hardly change with the machine's load.
#
# Needs: valgrind, strace, nginx, nghttp2-client, openssl, curl, binutils, python3 and the Swift toolchain. MENWEI_BIN names another executable.
set -euo pipefail
cd "$(dirname "$0")/../.."
if [ -z "${MENWEI_BIN:-}" ]; then MENWEI_BIN=$(Deploy/build.sh); export MENWEI_BIN; fi
exec python3 Tests/Benchmarks/profile_gateway.py "$@"
