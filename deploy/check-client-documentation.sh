#!/usr/bin/env bash
# Checks the client's documentation: every program in it compiles on its own, and DocC builds it without a warning.
#
# check-client-documentation.sh DIRECTORY: the directory that the client was built in, with its modules.

set -euo pipefail
cd "$(dirname "$0")/.."

built=$1
catalogue=Sources/SluiceClient/SluiceClient.docc
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

cp "$catalogue"/Resources/*.swift "$scratch"
# Every block of Swift on a page is a program or its declarations. Writes each to a file of its own.
awk -v directory="$scratch" '
    /^```swift$/ { count++; file = directory "/" FILENAME "-" count ".swift"; gsub(/.*\//, "", file)
                   file = directory "/" file; print "import SluiceClient" > file; next }
    /^```$/ { if (file) close(file); file = ""; next }
    file { print > file }' "$catalogue"/*.md

libraries=()
for library in CLibev COpenSSL; do
    libraries+=(-Xcc -fmodule-map-file="$PWD/Sources/$library/module.modulemap")
done
options=(-swift-version 6 -I "$built/Modules" "${libraries[@]}")
for program in "$scratch"/*.swift; do
    # Only main.swift may have statements at top level.
    directory=$scratch/$(basename "$program" .swift)
    mkdir "$directory"
    mv "$program" "$directory/main.swift"
    swiftc -typecheck "${options[@]}" "$directory/main.swift" || {
        echo "client documentation: $(basename "$directory") does not compile" >&2
        exit 1
    }
done
echo "client documentation: $(find "$scratch" -name main.swift | wc -l) programs compile"

mkdir "$scratch/symbols"
swift symbolgraph-extract -module-name SluiceClient -I "$built/Modules" -minimum-access-level public \
    -target "$(swiftc -print-target-info | awk -F '"' '/"triple"/ { print $4; exit }')" \
    "${libraries[@]}" -output-dir "$scratch/symbols" >/dev/null
docc convert "$catalogue" --additional-symbol-graph-dir "$scratch/symbols" --output-path "$scratch/site" \
    --fallback-display-name SluiceClient --fallback-bundle-identifier org.sluice.client --warnings-as-errors >&2
echo "client documentation: DocC reports nothing"
