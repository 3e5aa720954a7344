#!/usr/bin/env bash
# Installs what is missing on this machine, for the groups that are named; nothing missing is a quick no-op.
#
#     deploy/install-dependencies.sh lint|build|test|sanitize|examples|faults|fuzz|bench...
#
# Debian packages come through apt-get, with sudo where the user is not root. Exits with 69 when that cannot be.
# Swift itself it only looks for. A peer of the benchmark that cannot be installed is only warned of, because
# Benchmarks/run, sluice-load and Tests/Faults/run report it as skipped.

set -euo pipefail
cd "$(dirname "$0")/.."

readonly BENCH_VENV=Benchmarks/.build-bench/venv # Benchmarks/run looks there
missing=()
missing_peers=()

warn() { echo "install-dependencies: $*" >&2; }

fail() {
    warn "$@"
    exit 69
}

have() { command -v "$1" >/dev/null; }

# need PACKAGE CHECK...: the package is missing unless the check succeeds.
need() {
    local package=$1
    shift
    "$@" >/dev/null 2>&1 || missing+=("$package")
}

# want_peer PACKAGE CHECK...: as need, for a program that the benchmark compares with.
want_peer() {
    local package=$1
    shift
    "$@" >/dev/null 2>&1 || missing_peers+=("$package")
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
        lint)
            have swift || fail "there is no swift; install Swift 6.2 or later from https://www.swift.org/install"
            need python3 have python3
            ;;
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
            need python3 have python3
            want_peer golang-go have go
            want_peer redis-server have redis-server
            want_peer nats-server have nats-server
            want_peer beanstalkd have beanstalkd
            want_peer valgrind have valgrind
            want_peer binutils have strip
            has_bench_python || want_peer python3-venv python3 -c 'import ensurepip, venv'
            ;;
        faults)
            need_group build
            need python3 have python3
            need iproute2 have ip
            want_peer redis-server have redis-server
            ;;
        fuzz)
            need_group build
            need python3 have python3
            ;;
        examples)
            need_group build
            need netcat-openbsd has_openbsd_netcat
            need python3 have python3
            has_bench_python || want_peer python3-venv python3 -c 'import ensurepip, venv'
            ;;
        *) fail "unknown group '$1'; there are lint, build, test, sanitize, examples, faults, fuzz and bench" ;;
    esac
}

as_root() {
    if ((EUID == 0)); then
        "$@"
    else
        sudo ${CI:+--non-interactive} "$@" # in CI nobody is there to type a password
    fi
}

# install PACKAGE...: false, with the reason on standard error, when that cannot be.
install() {
    have apt-get || { warn "$* missing, and there is no apt-get to install it; install it by hand" && return 1; }
    ((EUID == 0)) || have sudo || { warn "$* missing; run as root: apt-get install $*" && return 1; }
    warn "installing $*"
    {
        as_root apt-get update -q &&
            as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
                -o DPkg::Lock::Timeout=120 "$@"
    } >&2 </dev/null || { warn "apt-get could not install $*" && return 1; }
}

install_bench_python() {
    has_bench_python && return
    warn "installing gevent into $BENCH_VENV"
    { python3 -m venv --clear "$BENCH_VENV" && "$BENCH_VENV/bin/python" -m pip install --quiet gevent; } >&2 ||
        { warn "pip could not install gevent into $BENCH_VENV" && return 1; }
}

# One by one: each is worth having without the others.
install_peers() {
    local package
    for package in "${missing_peers[@]}"; do
        install "$package" || warn "going on without $package: what needs it is skipped"
    done
}

install_gevent() {
    install_bench_python || warn "going on without gevent: what needs it is skipped"
}

(($#)) || fail "name the groups: lint, build, test, sanitize, examples, faults, fuzz, bench"
for group in "$@"; do need_group "$group"; done
((${#missing[@]} == 0)) || install "${missing[@]}" || exit 69
for group in "$@"; do
    [[ $group != @(bench|examples|faults) ]] || install_peers
    [[ $group != @(bench|examples) ]] || install_gevent
done
