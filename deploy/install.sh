#!/usr/bin/env bash
# Installs the programs that are built, with their manual pages, completions, units, configuration and documents.
#
#     deploy/install.sh [--programs DIRECTORY] [--prefix PREFIX] [--sysconfdir DIRECTORY] [--destdir DIRECTORY] [--debian]
#
# DIRECTORY is where the programs are, by default .build/release; `make install` calls this script with PREFIX and DESTDIR.
# An existing configuration stays as it is. With --debian, files go where packages of Debian have them.

set -euo pipefail
tree=$(cd "$(dirname "$0")/.." && pwd)

programs=$tree/.build/release prefix=/usr/local sysconfdir=/etc destdir='' debian=''
while (($#)); do
    case $1 in
        --programs) programs=$2 && shift 2 ;;
        --prefix) prefix=$2 && shift 2 ;;
        --sysconfdir) sysconfdir=$2 && shift 2 ;;
        --destdir) destdir=$2 && shift 2 ;;
        --debian) debian=yes && shift ;;
        *)
            sed -n '2,/^$/s/^# \{0,1\}//p' "$0" >&2
            exit 64
            ;;
    esac
done
[[ $prefix == /* && $sysconfdir == /* ]] || {
    echo "install: the prefix and the directory of the configuration must begin with /: $prefix, $sysconfdir" >&2
    exit 64
}

readonly names=(sluice sluice-load sluiced)
for name in "${names[@]}"; do
    [[ -x $programs/$name ]] || {
        echo "install: there is no program $programs/$name; run make build first" >&2
        exit 66
    }
done

to=$destdir$prefix
if [[ $debian ]]; then
    units=$destdir/lib/systemd/system zsh=$to/share/zsh/vendor-completions
else
    units=$to/lib/systemd/system zsh=$to/share/zsh/site-functions
fi
bash=$to/share/bash-completion/completions fish=$to/share/fish/vendor_completions.d
documents=$to/share/doc/sluice

# put MODE FILE TARGET: installs a file, and makes the directories above it.
put() { install -D -m "$1" "$2" "$3"; }

for name in "${names[@]}"; do
    put 755 "$programs/$name" "$to/bin/$name"
    mkdir -p "$bash" "$zsh" "$fish"
    # Without the line for the interpreter: the shell reads the file, and does not run it.
    "$programs/$name" --generate-completion-script bash | sed '1{/^#!/d}' >"$bash/$name"
    "$programs/$name" --generate-completion-script zsh >"$zsh/_$name"
    "$programs/$name" --generate-completion-script fish >"$fish/$name.fish"
    chmod 644 "$bash/$name" "$zsh/_$name" "$fish/$name.fish"
done
for page in "$tree"/docs/man/*; do put 644 "$page" "$to/share/man/man${page##*.}/${page##*/}"; done

for unit in "$tree"/deploy/systemd/*; do
    mkdir -p "$units"
    sed "s|/usr/bin/sluiced|$prefix/bin/sluiced|; s|/etc/sluice|$sysconfdir/sluice|" "$unit" >"$units/${unit##*/}"
    chmod 644 "$units/${unit##*/}"
done
# The packages of Debian make the user by their own means.
[[ $debian ]] || put 644 "$tree/deploy/package/sysusers.conf" "$to/lib/sysusers.d/sluice.conf"
# AppArmor profiles are found by their names below /etc/apparmor.d.
profile=$destdir$sysconfdir/apparmor.d/usr.bin.sluiced
if [[ $debian || -d $destdir$sysconfdir/apparmor.d ]]; then
    put 644 "$tree/deploy/package/apparmor.profile" "$profile"
    sed -i "s|/usr/bin/sluiced|$prefix/bin/sluiced|" "$profile"
fi
configuration=$destdir$sysconfdir/sluice/sluiced.yaml
[[ -e $configuration ]] || put 644 "$tree/deploy/package/sluiced.yaml" "$configuration"

for file in "$tree"/README.md "$tree"/SECURITY.md "$tree"/docs/*.{md,yaml,svg,png}; do
    put 644 "$file" "$documents/${file#"$tree"/}"
done
[[ $debian ]] || put 644 "$tree/LICENSE" "$documents/LICENSE"
[[ $debian ]] || put 644 "$tree/CHANGELOG.md" "$documents/CHANGELOG.md"
for file in config/sluiced.yaml config/principals.yaml deploy/prometheus/alerts.yaml deploy/grafana/sluice.json; do
    put 644 "$tree/$file" "$documents/examples/${file##*/}"
done
