#!/usr/bin/env bash
# The load test of an installed daemon, in one command: every workload for a few seconds, with all that is received
# checked. It ends by itself, and leaves nothing behind in the server.
#
#     deploy/load-test.sh [HOST:PORT|unix:PATH [REPORT]]
#
# The address is 127.0.0.1:7333 unless SLUICE_ADDRESS or the first argument says another; credentials come from
# SLUICE_PRINCIPAL and SLUICE_TOKEN. REPORT is the page that is written, ./sluice-load-report.html if left out.
# DURATION is how long each workload is measured: 3s, unless set. Exits with 1 when a check has failed.

set -euo pipefail

if [[ ${1:-} == @(-h|--help) ]]; then
    sed -n '2,/^$/s/^# \{0,1\}//p' "$0"
    exit
fi

address=${1:-${SLUICE_ADDRESS:-127.0.0.1:7333}}
report=${2:-sluice-load-report.html}
tree=$(cd "$(dirname "$0")/.." && pwd)

# The one that was built here, if one was; or else the installed one.
program=$tree/.build/release/sluice-load
[[ -x $program ]] || program=$(command -v sluice-load) || {
    echo "load-test: there is no sluice-load; run make build, or install it" >&2
    exit 69
}

"$program" suite --hub "$address" --duration "${DURATION:-3s}" --report "$report"
[[ ! -e $report ]] || echo "load-test: the report is in $report"
