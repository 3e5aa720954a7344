#!/usr/bin/env bash
# Installs what is missing on this machine, for the groups that are named; nothing missing is a quick no-op.
#
#     deploy/install-dependencies.sh lint|build|test|sanitize|bench...
#
# Debian packages come through apt-get, with sudo where the user is not root. Exits with 69 when that cannot be.
# Swift itself it only looks for.

set -euo pipefail
cd "$(dirname "$0")/.."

readonly BENCH_VENV=Benchmarks/.build-bench/venv # Benchmarks/run looks there
missing=()

fail() {
    echo "install-dependencies: $*" >&2
    exit 69
}

have() { command -v "$1" >/dev/null; }

# need PACKAGE CHECK...: the package is missing unless the check succeeds.
need() {
    local package=$1
    shift
    "$@" >/dev/null 2>&1 || missing+=("$package")
}

has_header() {
    local directory
    for directory in /usr/include /usr/local/include /opt/homebrew/include; do
        [[ -e $directory/$1 ]] && return
    done
    return 1
}

# The traditional netcat has other flags, and does not half-close.
has_openbsd_netcat() { [[ $(nc -h 2>&1) == *OpenBSD* ]]; }

has_bench_python() {
    local python
    for python in python3 "$BENCH_VENV/bin/python"; do
        "$python" -c 'import gevent' >/dev/null 2>&1 && return
    done
    return 1
}

need_group() {
    case $1 in
        lint) have swift || fail "there is no swift; install Swift 6.2 or later from https://www.swift.org/install" ;;
        build)
            need_group lint
            need git have git
            need libev-dev has_header ev.h
            ;;
        test | sanitize)
            need_group build
            need netcat-openbsd has_openbsd_netcat
            need telnet have telnet
            ;;
        bench)
            need_group build
            need golang-go have go
            need redis-server have redis-server
            has_bench_python || need python3-venv python3 -c 'import ensurepip, venv'
            ;;
        *) fail "unknown group '$1'; there are lint, build, test, sanitize and bench" ;;
    esac
}

as_root() {
    if ((EUID == 0)); then
        "$@"
    else
        sudo ${CI:+--non-interactive} "$@" # in CI nobody is there to type a password
    fi
}

install_missing() {
    ((${#missing[@]})) || return 0
    have apt-get || fail "${missing[*]} missing, and there is no apt-get to install it; install it by hand"
    ((EUID == 0)) || have sudo || fail "${missing[*]} missing; run as root: apt-get install ${missing[*]}"
    echo "install-dependencies: installing ${missing[*]}" >&2
    {
        as_root apt-get update -q &&
            as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
                -o DPkg::Lock::Timeout=120 "${missing[@]}"
    } >&2 </dev/null || fail "apt-get could not install ${missing[*]}"
}

install_bench_python() {
    has_bench_python && return
    echo "install-dependencies: installing gevent into $BENCH_VENV" >&2
    {
        python3 -m venv --clear "$BENCH_VENV" && "$BENCH_VENV/bin/python" -m pip install --quiet gevent
    } >&2 || fail "pip could not install gevent into $BENCH_VENV"
}

(($#)) || fail "name the groups: lint, build, test, sanitize, bench"
for group in "$@"; do need_group "$group"; done
install_missing
for group in "$@"; do [[ $group != bench ]] || install_bench_python; done
