#!/usr/bin/env bash
# The house rules that no formatter knows. Prints each breach as FILE:LINE: and the rule; exits with 1 if there is any.

set -euo pipefail
cd "$(dirname "$0")/.."

breaches=0

report() {
    echo "$1: $2"
    breaches=1
}

# search PATTERN DIRECTORY...: FILE:LINE:TEXT of each match in Swift files, without what builds leave behind.
search() {
    local pattern=$1
    shift
    find "$@" -name '.build*' -prune -o -name '*.swift' -exec grep -HnE "$pattern" {} +
}

# forbid PATTERN RULE DIRECTORY...: no line of code may match the extended regular expression; comments may.
forbid() {
    local pattern=$1 rule=$2 file line text
    shift 2
    while IFS=: read -r file line text; do
        [[ $text =~ ^[[:space:]]*// ]] || report "$file:$line" "$rule"
    done < <(search "$pattern" "$@")
}

everywhere=(Sources Tests Benchmarks docs/examples)

forbid '\btry!' 'no try!; throw, or handle the error' "${everywhere[@]}"
forbid '\bas!' 'no as!; cast with as? and say what happens otherwise' "${everywhere[@]}"
forbid '\b(Task|Thread)\.sleep\b|\bu?sleep\([^fu)]|\bnanosleep\(' \
    'tests wait for events, never for time' Tests
forbid '\bMutex\b' 'use Lock: ThreadSanitizer takes what Synchronization.Mutex guards for races' \
    Sources/SluiceClient Sources/SluiceHub Sources/SluiceWire Sources/sluice* Tests
forbid '^\s*import XCTest\b' 'tests use Swift Testing' Tests
forbid 'timeLimit\(\.minutes\([0-9]\)\)' \
    'a time limit counts from the start of the run, which a sanitizer stretches: give it 10 minutes' Tests

forbid '\b(actor|class|enum|extension|protocol|struct|typealias) \w*(Util|Utils|Utility|Utilities)\b' \
    'name it after what it holds' "${everywhere[@]}"

while IFS=: read -r file line _; do
    report "$file:$line" 'finish it, or open an issue' # in comments too
done < <(search '\b(TODO|FIXME)\b' "${everywhere[@]}")

while IFS= read -r path; do
    report "$path" 'name it after what it holds'
done < <(find "${everywhere[@]}" -name '.build*' -prune -o -iname 'util*' -print)

while read -r lines file; do
    report "$file" "$lines lines; a file reads top-down in at most 400"
done < <(find Sources -name '*.swift' -exec wc -l {} + | awk '$1 > 400 && $2 != "total"')

exit "$breaches"
