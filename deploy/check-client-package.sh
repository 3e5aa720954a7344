#!/usr/bin/env bash
# A package that depends on SluiceClient alone: its ten lines send and receive, it fetches one other package, and its release
# executable builds in under a minute once the packages are there. What the client's documentation shows compiles.

set -euo pipefail
cd "$(dirname "$0")/.."

package=Tests/Fixtures/TenLines
daemon=${SLUICED:-.build/release/sluiced}
# Built anew each time, apart from everything else.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"; [[ -z ${server:-} ]] || kill "$server"' EXIT

swift package --package-path "$package" --scratch-path "$scratch" resolve
needed=$(find "$scratch/checkouts" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort | xargs)
[[ $needed == swift-collections ]] || {
    echo "the client needs these packages: $needed" >&2
    exit 1
}

start=$SECONDS
swift build --package-path "$package" --scratch-path "$scratch" -c release
seconds=$((SECONDS - start))
echo "client package: built in $seconds s"
((seconds < 60)) || {
    echo "that is more than a minute" >&2
    exit 1
}

deploy/check-client-documentation.sh "$scratch/release"

exec {output}< <(exec "$daemon" --listen 127.0.0.1:0)
server=$!
read -r -t 30 -u "$output" line
said=$(timeout 30 "$scratch/release/TenLines" "${line#ready tcp=}")
[[ $said == 'sweep the yard' ]] || {
    echo "the program said: $said" >&2
    exit 1
}
lines=$(grep -c . "$package/Sources/TenLines/main.swift")
echo "client package: $lines lines have sent and received"
