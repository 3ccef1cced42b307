#!/usr/bin/env bash
# Tests/Fuzz/run.sh SECONDS [NAME…]: builds the fuzzers, replays every crash that was ever kept, then lets each look for new ones for SECONDS, as many at
# a time as there are processors. A new crash is left in Tests/Fuzz/Crashes/NAME: keep it there, the ordinary tests replay it from then on. A fuzzer is a
# folder NAME with NAMEFuzz.swift in it and a line in Package.swift; its first inputs are in Tests/Fuzz/Corpus/NAME. What is learned stays in the build
# folder, and so do the logs.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:?usage: Tests/Fuzz/run.sh SECONDS [NAME…]}
shift
export MENWEI_FUZZ=1
scratch=${MENWEI_FUZZ_BUILD:-.build/fuzz}

names=("$@")
if [ ${#names[@]} -eq 0 ]; then
    for file in Tests/Fuzz/*/*Fuzz.swift; do names+=("$(basename "$(dirname "$file")")"); done
    swift build -c release --scratch-path "$scratch"
else
    for name in "${names[@]}"; do swift build -c release --scratch-path "$scratch" --product "${name}Fuzz"; done
fi

fuzz() {
    local name=$1 crashes=Tests/Fuzz/Crashes/$1
    mkdir -p "$crashes" "Tests/Fuzz/Corpus/$name" "$scratch/corpus/$name"
    find "$crashes" -type f -exec "$scratch/release/${name}Fuzz" {} + &&
        "$scratch/release/${name}Fuzz" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=4096 -verbosity=0 -print_final_stats=1 \
            -dict=Tests/Fuzz/HTTP.dict -artifact_prefix="$crashes/" "$scratch/corpus/$name" "Tests/Fuzz/Corpus/$name" || return 1
    rmdir --ignore-fail-on-non-empty -p "$crashes"
}

mkdir -p "$scratch/logs"
failed=()
running=()
finish() {
    local name=$1
    if wait "$2"; then
        echo "== $name: $seconds s, $(sed -n 's/^stat::number_of_executed_units: *//p' "$scratch/logs/$name") inputs"
    else
        failed+=("$name")
        echo "== $name"
        tail -n 60 "$scratch/logs/$name"
    fi
}
for name in "${names[@]}"; do
    # The oldest ends first: all take as long.
    if [ ${#running[@]} -ge "$(nproc)" ]; then
        finish ${running[0]}
        running=("${running[@]:1}")
    fi
    fuzz "$name" >"$scratch/logs/$name" 2>&1 &
    running+=("$name $!")
done
for each in "${running[@]}"; do finish $each; done
if [ ${#failed[@]} -gt 0 ]; then
    echo "fuzzers that found something: ${failed[*]}" >&2
    exit 1
fi
