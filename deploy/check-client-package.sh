#!/usr/bin/env bash
# Checks the package of a user that README.md shows: it fetches only one other package, its release build compiles few
# modules, so that it takes less than a minute once the packages are there, and its program sends and receives a
# message. Also checks that the programs in the client's documentation compile.

set -euo pipefail
cd "$(dirname "$0")/.."

daemon=${SLUICED:-.build/release/sluiced}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"; [[ -z ${server:-} ]] || kill "$server"' EXIT
package=$scratch/package
name=Gardener

# shown TEXT: prints the first block of Swift in README.md that has this text.
shown() {
    awk -v text="$1" '
        /^```swift$/ { block = ""; inside = 1; next }
        /^```$/ { if (inside && index(block, text)) { printf "%s", block; exit } inside = 0; next }
        inside { block = block $0 "\n" }' README.md
}

exec {output}< <(exec "$daemon" --listen 127.0.0.1:0)
server=$!
read -r -t 30 -u "$output" line
address=${line#ready tcp=}

mkdir -p "$package/Sources/$name"
shown 'name: "Gardener"' | sed -E "s|url: \"[^\"]*\", from: \"[^\"]*\"|name: \"sluice\", path: \"$PWD\"|" \
    >"$package/Package.swift"
shown 'import SluiceClient' | sed "s|127.0.0.1:7333|$address|" >"$package/Sources/$name/main.swift"

swift package --package-path "$package" resolve
needed=$(find "$package/.build/checkouts" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort | xargs)
[[ $needed == swift-collections ]] || {
    echo "client package: fetches $needed instead of swift-collections alone" >&2
    exit 1
}

swift build --package-path "$package" -c release
# The modules of swift-collections may change with its versions, so they are not compared.
built=$(find "$package/.build/release/Modules/" -name '*.swiftmodule' -printf '%f\n' | sed 's/\..*//' | sort | xargs)
echo "client package: compiled the modules $built"
collections='\b(BasicContainers|ContainersPreview|DequeModule|InternalCollectionsUtilities)\b'
needed=$(sed -E "s/$collections//g" <<<"$built" | xargs)
[[ $needed == "$name SluiceClient SluiceRuntime SluiceWire" ]] || {
    echo "client package: compiles $needed instead of $name, SluiceClient, SluiceRuntime and SluiceWire alone" >&2
    exit 1
}

deploy/check-client-documentation.sh "$package/.build/release"

said=$(timeout 30 "$package/.build/release/$name")
[[ $said == 'sweep the yard' ]] || {
    echo "client package: the program printed '$said' instead of 'sweep the yard'" >&2
    exit 1
}
lines=$(grep -c . "$package/Sources/$name/main.swift")
echo "client package: a program of $lines lines sent and received a message"
