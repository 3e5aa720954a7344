#!/usr/bin/env bash
# Prints the version for packages: that of the release, or, between releases, one that is greater than the last release
# and grows with each commit, as in 0.2.0+git20261130.114500.b9bc9d3.

set -euo pipefail
cd "$(dirname "$0")/../.."

number=$(sed -n 's/.*static let number = "\(.*\)"/\1/p' Sources/SluiceWire/SluiceVersion.swift)
if [[ $(git tag --points-at HEAD 2>/dev/null) == *"$number"* ]] || ! git rev-parse HEAD >/dev/null 2>&1; then
    echo "$number"
else
    echo "$number+git$(TZ=UTC git log -1 --date=format-local:%Y%m%d.%H%M%S --format=%cd.%h)"
fi
