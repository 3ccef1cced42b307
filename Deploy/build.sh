#!/usr/bin/env bash
# Deploy/build.sh: builds the release of menwei and prints the path of the executable as its last line. Swift's own library is linked in where the
# toolchain has it in that form, so that the executable runs on machines without Swift; the C libraries stay Debian's, and get Debian's updates.
set -euo pipefail
cd "$(dirname "$0")/.."

arguments=(-c release --product menwei)
toolchain=$(dirname "$(dirname "$(readlink -f "$(command -v swift)")")")
if [ -d "$toolchain/lib/swift_static/linux" ]; then arguments+=(--static-swift-stdlib); fi
swift build "${arguments[@]}" >&2
echo "$(swift build "${arguments[@]}" --show-bin-path)/menwei"
