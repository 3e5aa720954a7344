#!/usr/bin/env bash
# Installs what the named groups need and this machine lacks. Returns quickly when nothing is missing.
#
#     deploy/install-dependencies.sh lint|build|test|python|browser|sanitize|examples|faults|fuzz|package|bench...
#
# Uses apt-get, with sudo unless the user is root, and pip. Exits with 69 when something cannot be installed. Swift is
# not installed: without it the script fails. The programs that the benchmark compares with may be missing: the script
# warns, and Benchmarks/run, sluice-load and Tests/Faults/run report them as skipped.

set -euo pipefail
cd "$(dirname "$0")/.."

readonly BENCH_VENV=Benchmarks/.build-bench/venv # also in Benchmarks/run and docs/examples/run
readonly LINT_VENV=.build-lint/venv              # also in the Makefile
readonly RUFF=ruff==0.17.6                       # another version may format differently
readonly PYTHON_VENV=.build-python/venv          # also in the Makefile
# What the tests of the Python client need. python/requirements.txt pins the versions.
readonly PYTHON_REQUIREMENTS=python/requirements.txt
missing=()
missing_peers=()

warn() { echo "install-dependencies: $*" >&2; }

fail() {
    warn "$@"
    exit 69
}

have() { command -v "$1" >/dev/null; }

# need PACKAGE CHECK...: marks the package as missing unless the check succeeds.
need() {
    local package=$1
    shift
    "$@" >/dev/null 2>&1 || missing+=("$package")
}

# want_peer PACKAGE CHECK...: does the same for a program that the benchmark compares with, or that only some tests need.
want_peer() {
    local package=$1
    shift
    "$@" >/dev/null 2>&1 || missing_peers+=("$package")
}

# The folder of servers is not in the path of every user.
have_server() { PATH=$PATH:/usr/sbin have "$1"; }

has_header() {
    local directory
    for directory in /usr/include /usr/local/include; do
        [[ -e $directory/$1 ]] && return
    done
    return 1
}

# The traditional netcat has other flags and cannot half-close.
has_openbsd_netcat() { [[ $(nc -h 2>&1) == *OpenBSD* ]]; }

has_bench_python() {
    local python
    for python in python3 "$BENCH_VENV/bin/python"; do
        "$python" -c 'import gevent' >/dev/null 2>&1 && return
    done
    return 1
}

has_font() { [[ -n $(find /usr/share/fonts -iname "*$1*" -print -quit 2>/dev/null) ]]; }

has_ruff() { [[ $("$LINT_VENV/bin/ruff" --version 2>&1) == "${RUFF/==/ }" ]]; }

# The environment holds a copy of the requirements that it was made from.
has_python_tools() { cmp -s "$PYTHON_REQUIREMENTS" "$PYTHON_VENV/requirements.txt"; }

need_swift() { have swift || fail "swift not found; install Swift 6.2 or later from https://www.swift.org/install"; }

need_group() {
    case $1 in
        lint)
            need_swift
            need_group python
            has_ruff || need python3-venv python3 -c 'import ensurepip, venv'
            ;;
        python)
            need python3 have python3
            need openssl have openssl
            has_python_tools || need python3-venv python3 -c 'import ensurepip, venv'
            ;;
        browser)
            need python3 have python3
            need chromium have chromium
            need fonts-liberation has_font Liberation
            ;;
        build)
            need_swift
            need git have git
            need libev-dev has_header ev.h
            need libssl-dev has_header openssl/ssl.h
            need libhttp-parser-dev has_header http_parser.h
            need libwslay-dev has_header wslay/wslay.h
            need libjemalloc-dev has_header jemalloc/jemalloc.h
            ;;
        test)
            need_group sanitize
            need_group python
            need_group browser
            ;;
        sanitize)
            need_group build
            need netcat-openbsd has_openbsd_netcat
            need openssl have openssl
            need sslscan have sslscan
            need telnet have telnet
            need curl have curl
            need python3 have python3
            want_peer wget have wget
            want_peer nginx-light have_server nginx
            want_peer haproxy have_server haproxy
            want_peer prometheus have prometheus
            want_peer systemd have systemd-socket-activate
            ;;
        bench)
            need_group build
            need_group python
            want_peer golang-go have go
            want_peer redis-server have redis-server
            want_peer nats-server have nats-server
            want_peer beanstalkd have beanstalkd
            want_peer valgrind have valgrind
            want_peer curl have curl
            want_peer wrk have wrk
            want_peer nginx have nginx
            want_peer webdis have webdis
            want_peer binutils have strip
            has_bench_python || want_peer python3-venv python3 -c 'import ensurepip, venv'
            ;;
        faults)
            need_group build
            need python3 have python3
            need iproute2 have ip
            need openssl have openssl
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
            want_peer golang-go have go
            has_bench_python || want_peer python3-venv python3 -c 'import ensurepip, venv'
            ;;
        package)
            need dpkg-dev have dpkg-buildpackage
            need debhelper have dh
            need dh-apparmor have dh_apparmor
            need binutils have strip
            need lintian have lintian
            need debootstrap have_server debootstrap
            need iproute2 have_server ip
            need systemd have systemd-analyze
            want_peer systemd-container have systemd-nspawn
            ;;
        *) fail "unknown group '$1'; the groups are lint, build, test, python, browser, sanitize, examples, faults, fuzz, package and bench" ;;
    esac
}

as_root() {
    if ((EUID == 0)); then
        "$@"
    else
        sudo ${CI:+--non-interactive} "$@" # nobody can type a password in CI
    fi
}

# install PACKAGE...: returns false, with the reason on standard error, when that is impossible.
install() {
    have apt-get || { warn "$* missing and apt-get not found; install by hand: $*" && return 1; }
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

# Installs the peers one by one, so that the failure of one does not keep out the others.
install_peers() {
    local package
    for package in "${missing_peers[@]}"; do
        install "$package" || warn "continuing without $package; what needs it is skipped"
    done
}

install_gevent() {
    install_bench_python || warn "continuing without gevent; what needs it is skipped"
}

install_ruff() {
    has_ruff && return
    warn "installing $RUFF into $LINT_VENV"
    { python3 -m venv --clear "$LINT_VENV" && "$LINT_VENV/bin/python" -m pip install --quiet "$RUFF"; } >&2 ||
        { warn "pip could not install $RUFF into $LINT_VENV" && return 1; }
}

install_python_tools() {
    has_python_tools && return
    warn "installing $PYTHON_REQUIREMENTS into $PYTHON_VENV"
    {
        python3 -m venv --clear "$PYTHON_VENV" &&
            "$PYTHON_VENV/bin/python" -m pip install --quiet --requirement "$PYTHON_REQUIREMENTS" &&
            cp "$PYTHON_REQUIREMENTS" "$PYTHON_VENV/requirements.txt"
    } >&2 || { warn "pip could not install $PYTHON_REQUIREMENTS into $PYTHON_VENV" && return 1; }
}

(($#)) || fail "name the groups: lint, build, test, python, browser, sanitize, examples, faults, fuzz, package, bench"
for group in "$@"; do need_group "$group"; done
((${#missing[@]} == 0)) || install "${missing[@]}" || exit 69
for group in "$@"; do
    [[ $group != @(bench|examples|faults|test|sanitize|package) ]] || install_peers
    [[ $group != @(bench|examples) ]] || install_gevent
    [[ $group != lint ]] || install_ruff || exit 69
    [[ $group != @(lint|test|python|bench) ]] || install_python_tools || exit 69
done
