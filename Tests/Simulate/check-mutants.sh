#!/usr/bin/env bash
# Has every mutant of the hub simulated until the checker notices it; fails if one is not noticed.
#
#     Tests/Simulate/check-mutants.sh PROGRAM SEEDS
#
# A process for each: a wrong hub may crash, or never come to an end, and then it is not the checker that has noticed.

set -euo pipefail

program=$1
seeds=$2
results=$(mktemp)
trap 'rm -f "$results"' EXIT

try_mutant() {
    timeout 15 "$1" --mutant "$3" --seeds "$2" || [[ $? -le 1 ]] || echo "CRASHED   $3"
}
export -f try_mutant

"$program" --list-mutants |
    xargs -P "$(nproc)" -I '{}' bash -c 'try_mutant "$@"' _ "$program" "$seeds" '{}' | tee "$results"

killed=$(grep -c '^killed' "$results" || true)
all=$("$program" --list-mutants | wc -l)
echo "mutants: $killed of $all killed"
[[ $all -gt 0 && $killed -eq $all ]]
