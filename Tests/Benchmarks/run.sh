#!/usr/bin/env bash
# Tests/Benchmarks/run.sh [--quick] [--only requests,handshakes,transfers,latency,memory,growth,logins] [--output FOLDER] [--readme]
# Installs the gateways that Menwei is compared with, runs all of them side by side, and writes results.md and its pictures into this folder (with --quick
# into .build/benchmarks). Takes about an hour on an idle machine with two cores; --quick takes some minutes and measures nothing. A gateway that
# cannot be installed is left out, and the results say so. --readme puts the summary into the README, too. Fails where a budget of budgets.toml is passed.
#
# Debian starts the services that it installs (nginx, haproxy); use a machine that may have them. MENWEI_BIN names another executable.
set -euo pipefail
cd "$(dirname "$0")/../.."

if [ -z "${MENWEI_BIN:-}" ]; then
    Deploy/install.sh build
    MENWEI_BIN=$(Deploy/build.sh)
fi
export MENWEI_BIN

packages=(curl nginx nghttp2-client openssl procps python3-venv util-linux)
peers=(apache2-bin haproxy libapache2-mod-auth-openidc nghttp2-proxy)
as_root=()
if [ "$(id -u)" -ne 0 ]; then as_root=(sudo); fi
missing=()
for package in "${packages[@]}" "${peers[@]}"; do
    state=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
    export DEBIAN_FRONTEND=noninteractive
    "${as_root[@]}" apt-get update -q || true
    for package in "${missing[@]}"; do
        "${as_root[@]}" apt-get install -q -y --no-install-recommends "$package" || echo "$package cannot be installed; going on without it" >&2
    done
fi

# Apart from the tests' environment: these are large, and needed here alone.
environment=.build/benchmarks/venv
if [ ! -x "$environment/bin/python" ]; then "${PYTHON:-python3}" -m venv "$environment"; fi
while read -r package; do
    case $package in ''|'#'*) continue ;; esac
    "$environment/bin/python" -m pip install --quiet "$package" || echo "$package cannot be installed; going on without it" >&2
done <Tests/Benchmarks/requirements.txt

exec "$environment/bin/python" Tests/Benchmarks/compare.py "$@"
