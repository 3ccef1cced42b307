#!/usr/bin/env bash
# Deploy/demo.sh [--port 8443]: installs what is missing, builds a release, and shows Menwei with a simulated WeCom and a sample application.
set -euo pipefail
cd "$(dirname "$0")/.."
Deploy/install.sh build
menwei=$(Deploy/build.sh)
exec "$menwei" demo "$@"
