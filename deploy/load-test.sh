#!/usr/bin/env bash
# Load-tests a running daemon: every workload for a few seconds, with every message checked. It ends by itself and leaves
# nothing behind in the server.
#
#     deploy/load-test.sh [HOST:PORT|unix:PATH [REPORT]]
#
# The default address is SLUICE_ADDRESS, or else 127.0.0.1:7333. Credentials come from SLUICE_PRINCIPAL and SLUICE_TOKEN.
# REPORT is the HTML page to write, by default ./sluice-load-report.html. DURATION is how long to measure each workload, by
# default 3s. Exits with 1 when a check fails.

set -euo pipefail

if [[ ${1:-} == @(-h|--help) ]]; then
    sed -n '2,/^$/s/^# \{0,1\}//p' "$0"
    exit
fi

address=${1:-${SLUICE_ADDRESS:-127.0.0.1:7333}}
report=${2:-sluice-load-report.html}
tree=$(cd "$(dirname "$0")/.." && pwd)

# Prefers the program that was built in this tree to an installed one.
program=$tree/.build/release/sluice-load
[[ -x $program ]] || program=$(command -v sluice-load) || {
    echo "load-test: cannot find sluice-load: run make build, or install it" >&2
    exit 69
}

"$program" suite --hub "$address" --duration "${DURATION:-3s}" --report "$report"
[[ ! -e $report ]] || echo "load-test: the report is in $report"
