#!/usr/bin/env bash
# Deploy/install.sh [build|test]: installs what is missing of the packages that building (or building and testing) needs, on Debian 12 or newer.
# Where nothing is missing it touches nothing and needs no network. The Swift toolchain itself is not a Debian package: it has to be there.
set -euo pipefail
what=${1:-build}

packages=(
    # what a Swift toolchain links and runs with
    binutils ca-certificates git libc6-dev libedit2 libncurses6 libstdc++-12-dev libxml2 tzdata zlib1g-dev
    # the C libraries behind Sources/C*
    libcurl4-openssl-dev libexpat1-dev libnghttp2-dev libqrencode-dev libsqlite3-dev libssl-dev libyaml-dev
)
case $what in
    build) ;;
    test)
        packages+=(chromium chromium-driver curl fonts-noto-cjk lld nghttp2-client openssl procps python3 python3-venv)
        # real servers behind the gateway
        packages+=(apache2-bin default-jdk-headless libtomcat10-embed-java nginx nodejs)
        # the examples that verify assertions
        packages+=(golang-go libnginx-mod-http-js php-cli)
        ;;
    *) echo "usage: Deploy/install.sh [build|test]" >&2; exit 2 ;;
esac

if command -v dpkg-query >/dev/null && command -v apt-get >/dev/null; then
    missing=()
    for package in "${packages[@]}"; do
        state=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
        [ "$state" = installed ] || missing+=("$package")
    done
    if [ ${#missing[@]} -gt 0 ]; then
        as_root=()
        if [ "$(id -u)" -ne 0 ]; then as_root=(sudo); fi
        echo "== installing ${missing[*]}"
        export DEBIAN_FRONTEND=noninteractive
        "${as_root[@]}" apt-get update -q
        "${as_root[@]}" apt-get install -q -y --no-install-recommends "${missing[@]}"
    fi
else
    echo "This is no Debian: please see to it yourself that these are installed: ${packages[*]}" >&2
fi

if ! command -v swift >/dev/null; then
    echo "The Swift toolchain is missing (6.3 or newer, https://www.swift.org/install/linux/). Put its usr/bin into PATH." >&2
    exit 1
fi
