#!/usr/bin/env bash
# Builds generated callers of the channels in a release build of a user's package, runs them, and checks what they
# return. The compiler has crashed on some shapes of callers: see Sources/SluiceRuntime/Channels/Channel.swift.
#
# check-user-package.sh [SHAPES [SEED]]
#
# SLUICE_PATH names the sources of Sluice to build against, these by default.

set -euo pipefail
cd "$(dirname "$0")/.."

fixture=Tests/Fixtures/CallShapes
shapes=${1:-80}
seed=${2:-1}
export SLUICE_PATH=${SLUICE_PATH:-$PWD}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

cp -r "$fixture/." "$scratch"
cp -r "$scratch/Sources/CallShapes" "$scratch/Sources/CallShapesNonsending"
for target in CallShapes CallShapesNonsending; do
    python3 "$fixture/generate.py" "$scratch/Sources/$target" --shapes "$shapes" --seed "$seed"
done

start=$SECONDS
swift build --package-path "$scratch" -c release
echo "user package: built in $((SECONDS - start)) s"
for target in CallShapes CallShapesNonsending; do
    echo "user package: $target: $(timeout 120 "$scratch/.build/release/$target")"
done
