#!/usr/bin/env bash
# Builds and runs a user's package that enables the trait Metrics, and checks that a default build needs no other
# packages than without the trait.
#
# SLUICE_PATH names the sources of Sluice to build against, these by default.

set -euo pipefail
cd "$(dirname "$0")/.."

export SLUICE_PATH=${SLUICE_PATH:-$PWD}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cp -r Tests/Fixtures/MetricsUser/. "$scratch"

if swift package --package-path "$SLUICE_PATH" show-dependencies --format flatlist | grep -qx swift-metrics; then
    echo "metrics: a default build fetches swift-metrics" >&2
    exit 1
fi
start=$SECONDS
swift build --package-path "$scratch" --product MetricsUser
echo "metrics: built in $((SECONDS - start)) s"
timeout 60 "$scratch/.build/debug/MetricsUser"
