#!/usr/bin/env bash
# Checks the house rules that no formatter knows. Prints each breach as FILE:LINE: RULE and exits with 1 if there is
# any.

set -euo pipefail
cd "$(dirname "$0")/.."

breaches=0

report() {
    echo "$1: $2"
    breaches=1
}

# search PATTERN DIRECTORY...: prints FILE:LINE:TEXT for each match in Swift files outside build folders.
search() {
    local pattern=$1
    shift
    find "$@" -name '.build*' -prune -o -name '*.swift' -exec grep -HnE "$pattern" {} +
}

# forbid PATTERN RULE DIRECTORY...: reports lines of code, but not of comments, that match the extended regular
# expression.
forbid() {
    local pattern=$1 rule=$2 file line text
    shift 2
    while IFS=: read -r file line text; do
        [[ $text =~ ^[[:space:]]*// ]] || report "$file:$line" "$rule"
    done < <(search "$pattern" "$@")
}

everywhere=(Sources Tests Benchmarks docs/examples)

forbid '\btry!' 'no try!; throw, or handle the error' "${everywhere[@]}"
forbid '\bas!' 'no as!; cast with as? and handle the other case' "${everywhere[@]}"
forbid '\b(Task|Thread)\.sleep\b|\bu?sleep\([^fu)]|\bnanosleep\(' \
    'tests wait for events, never for time' Tests
forbid '\bMutex\b' 'use Lock; ThreadSanitizer reports races on what a Synchronization.Mutex guards' \
    Sources/SluiceClient Sources/SluiceHub Sources/SluiceWire Sources/sluice* Tests
forbid '^\s*import XCTest\b' 'tests use Swift Testing' Tests
forbid '\.timeLimit\(' 'use .bounded: a test that blocks a thread of the pool does not notice its time limit' Tests

forbid '\b(actor|class|enum|extension|protocol|struct|typealias) \w*(Util|Utils|Utility|Utilities)\b' \
    'name it after what it holds' "${everywhere[@]}"

while IFS=: read -r file line _; do
    report "$file:$line" 'finish it, or open an issue' # in comments too
done < <(search '\b(TODO|FIXME)\b' "${everywhere[@]}")

while IFS= read -r path; do
    report "$path" 'name it after what it holds'
done < <(find "${everywhere[@]}" -name '.build*' -prune -o -iname 'util*' -print)

while read -r lines file; do
    report "$file" "$lines lines; split it, a file has at most 400"
done < <(find Sources -name '*.swift' -exec wc -l {} + | awk '$1 > 400 && $2 != "total"')

# Phrases of inverted or riddling English, in every text file but this one.
phrases='\b(Whoever|Has the|[Ss]tops to|[Ww]hat comes of)\b'
phrases+='|Has other limits hold|is told before those behind them|less one, may go to it|last deed'
while IFS=: read -r file line text; do
    report "$file:$line" "plain English: name who does what, subject first: ${text#"${text%%[![:space:]]*}"}"
done < <(find . \( -name '.build*' -o -name .git \) -prune -o -type f ! -path ./deploy/check-house-rules.sh \
    -exec grep -HnIE "$phrases" {} + | sed 's|^\./||')

exit "$breaches"
