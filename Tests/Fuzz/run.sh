#!/usr/bin/env bash
# Tests/Fuzz/run.sh SECONDS [NAME…]: builds the fuzzers, replays every crash that was ever kept, then lets each look for new ones for SECONDS.
# A new crash is left in Tests/Fuzz/Crashes/NAME: keep it there, the ordinary tests replay it from then on. A fuzzer is a folder NAME with
# NAMEFuzz.swift in it and a line in Package.swift; its first inputs are in Tests/Fuzz/Corpus/NAME. What is learned stays in the build folder.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:?usage: Tests/Fuzz/run.sh SECONDS [NAME…]}
shift
export MENWEI_FUZZ=1
scratch=${MENWEI_FUZZ_BUILD:-.build/fuzz}

names=("$@")
if [ ${#names[@]} -eq 0 ]; then
    for file in Tests/Fuzz/*/*Fuzz.swift; do names+=("$(basename "$(dirname "$file")")"); done
fi

failed=()
for name in "${names[@]}"; do
    swift build -c release --scratch-path "$scratch" --product "${name}Fuzz"
    crashes=Tests/Fuzz/Crashes/$name
    mkdir -p "$crashes" "Tests/Fuzz/Corpus/$name" "$scratch/corpus/$name"
    echo "== $name: $seconds s"
    if ! find "$crashes" -type f -exec "$scratch/release/${name}Fuzz" {} +; then
        failed+=("$name (a kept crash)")
        continue
    fi
    if ! "$scratch/release/${name}Fuzz" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=4096 -verbosity=0 -print_final_stats=1 \
        -dict=Tests/Fuzz/HTTP.dict -artifact_prefix="$crashes/" "$scratch/corpus/$name" "Tests/Fuzz/Corpus/$name"; then
        failed+=("$name")
    fi
    rmdir --ignore-fail-on-non-empty -p "$crashes"
done
if [ ${#failed[@]} -gt 0 ]; then
    echo "fuzzers that found something: ${failed[*]}" >&2
    exit 1
fi
