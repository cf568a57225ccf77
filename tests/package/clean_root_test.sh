#!/usr/bin/env bash
# The package in a clean Debian 12: tests/package/clean_root_test.sh [BUILD FOLDER OF PRESET release]
#
# Makes a root with mmdebstrap and in it: installs the package, starts the service by its unit's command line as its user
# on port 25, mails a report, queries it, upgrades, removes, installs again, purges. The service runs in a network
# namespace of its own, so that nothing of it is seen on this machine. As root or with sudo.
set -euo pipefail

[ "$(id -u)" = 0 ] || exec sudo --preserve-env=DMARCBOX_MIRROR "$0" "$@"
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=deploy/packages.sh
. deploy/packages.sh

fail() {
    echo "FAILED: $*" >&2
    exit 1
}
in_root() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@" </dev/null; }
query() { in_root setpriv --reuid=dmarcbox --regid=dmarcbox --clear-groups sqlite3 -readonly /var/lib/dmarcbox/dmarcbox.db "$1"; }
install_deb() {
    cp "$1" "$root/tmp/dmarcbox.deb"
    in_root apt-get install -y -q --no-install-recommends -o Dpkg::Options::=--force-confold "${@:2}" /tmp/dmarcbox.deb \
        >"$work/apt.log" 2>&1 || { tail -n 30 "$work/apt.log" >&2; fail "apt-get install"; }
}

# run_service MAILS: as the unit does: its ExecStart, its user, its capability, its folders; waits for READY=1, sends
# the sample so many times with curl, ends it with SIGTERM.
run_service() {
    local unit="$root/lib/systemd/system/dmarcbox.service" command
    command=$(sed -n 's/^ExecStart=//p' "$unit")
    [ "$(sed -n 's/^User=//p' "$unit")" = dmarcbox ] || fail "the unit names another user"
    in_root install -d -o dmarcbox -g dmarcbox -m 0755 /run/dmarcbox
    rm -f "$root/run/notify"
    unshare --net python3 tests/package/run_unit.py "$root" "$command" "$1" deploy/sample.eml ||
        fail "the service under its unit's command line"
}

if [ "${1-}" = "" ]; then build=build/release; else build=$1; fi
build=$(realpath "$build")
work=$(mktemp -d)
root=$work/root
cleanup() {
    mountpoint -q "$root/proc" && umount "$root/proc"
    rm -rf "$work"
}
trap cleanup EXIT

begin packages
cmake --build "$build" --target deb -j 2 >"$work/build.log" 2>&1 || { tail -n 30 "$work/build.log" >&2; fail "no package"; }
for release in 1 2; do
    (cd "$build" && cpack -G DEB --config CPackConfig.cmake -B "$work/$release" -D CPACK_DEBIAN_PACKAGE_RELEASE=$release) \
        >"$work/cpack.log" 2>&1 || { cat "$work/cpack.log" >&2; fail "cpack"; }
done
one=$(echo "$work"/1/dmarcbox_*-1_*.deb) two=$(echo "$work"/2/dmarcbox_*-2_*.deb)
end_step "$(basename "$one") and $(basename "$two")"

begin root
mirror=$(debian_mirror)
mmdebstrap --quiet --variant=minbase --include=sqlite3,curl bookworm "$root" ${mirror:+"$mirror"} </dev/null
mount -t proc proc "$root/proc"
[ ! -e /etc/resolv.conf ] || cp -L /etc/resolv.conf "$root/etc/resolv.conf"
in_root apt-get update -q >"$work/apt.log" 2>&1 || { cat "$work/apt.log" >&2; fail "apt-get update"; }
end_step "clean Debian 12"

begin install
install_deb "$one"
grep -q 'set accept in /etc/dmarcbox/dmarcbox.toml' "$work/apt.log" || fail "the installation does not say what to do next"
in_root dmarcbox --version | grep -q '^dmarcbox ' || fail "dmarcbox --version"
[ "$(in_root stat -c '%U:%G %a' /var/lib/dmarcbox)" = "dmarcbox:dmarcbox 750" ] || fail "rights of /var/lib/dmarcbox"
case $(in_root getent passwd dmarcbox) in *:/usr/sbin/nologin | *:/sbin/nologin) ;; *) fail "the user may log in" ;; esac
in_root readlink /etc/systemd/system/multi-user.target.wants/dmarcbox.service >/dev/null || fail "the unit is not enabled"
printf '[smtp]\naccept = ["rua@reports.example"]\nhostname = "mx.reports.example"\n' >"$root/etc/dmarcbox/conf.d/local.toml"
end_step "user, folders, unit, configuration"

begin serve
run_service 1
[ "$(query "SELECT count(*), sum(messages), sum(failed) FROM sources")" = "4|57|17" ] ||
    fail "the report is not in the database: $(query 'SELECT * FROM sources')"
[ "$(in_root stat -c '%U:%G %a' /var/lib/dmarcbox/dmarcbox.db)" = "dmarcbox:dmarcbox 640" ] || fail "rights of the database"
in_root dmarcbox summary --db /var/lib/dmarcbox/dmarcbox.db >"$work/summary" || fail "dmarcbox summary"
grep -q 'example.org' "$work/summary" || fail "dmarcbox summary: $(cat "$work/summary")"
end_step "port 25 as user dmarcbox, one report, 4 sources"

begin upgrade
echo "# edited by the operator" >>"$root/etc/dmarcbox/dmarcbox.toml"
install_deb "$two"
# shellcheck disable=SC2016  # dpkg-query expands it
[ "$(in_root dpkg-query -W -f='${Version}' dmarcbox)" = "$(dpkg-deb -f "$two" Version)" ] || fail "not upgraded"
grep -q 'edited by the operator' "$root/etc/dmarcbox/dmarcbox.toml" || fail "the upgrade replaced the configuration"
run_service 1
[ "$(query "SELECT group_concat(outcome, ' ') FROM (SELECT outcome FROM messages ORDER BY id)")" = "report duplicate" ] ||
    fail "after the upgrade: $(query 'SELECT id, outcome, detail FROM messages')"
[ "$(query "SELECT sum(messages) FROM sources")" = 57 ] || fail "counted twice"
in_root dmarcbox verify --db /var/lib/dmarcbox/dmarcbox.db >"$work/verify" || fail "dmarcbox verify: $(cat "$work/verify")"
end_step "configuration and data kept, the same report is a duplicate"

begin remove
in_root apt-get remove -y -q dmarcbox >"$work/apt.log" 2>&1 || fail "apt-get remove: $(cat "$work/apt.log")"
[ ! -e "$root/usr/bin/dmarcbox" ] || fail "the program is still there"
for kept in var/lib/dmarcbox/dmarcbox.db etc/dmarcbox/conf.d/local.toml; do
    [ -s "$root/$kept" ] || fail "remove deleted /$kept"
done
install_deb "$two"
[ "$(query "SELECT count(*) FROM messages")" = 2 ] || fail "data lost by remove and install"
end_step "data and configuration kept; installed again"

begin purge
in_root touch /var/lib/dmarcbox/keep-data
in_root apt-get purge -y -q dmarcbox >"$work/apt.log" 2>&1 || fail "apt-get purge: $(cat "$work/apt.log")"
[ -s "$root/var/lib/dmarcbox/dmarcbox.db" ] || fail "purge ignored keep-data"
rm "$root/var/lib/dmarcbox/keep-data"
install_deb "$two"
in_root apt-get purge -y -q dmarcbox >"$work/apt.log" 2>&1 || fail "apt-get purge: $(cat "$work/apt.log")"
grep -q 'deleting /var/lib/dmarcbox' "$work/apt.log" || fail "purge does not say what it deletes"
left=$(find "$root/var/lib/dmarcbox" "$root/etc/dmarcbox" "$root/run/dmarcbox" "$root/etc/systemd/system" -name '*dmarcbox*' 2>/dev/null || true)
[ -z "$left" ] || fail "purge leaves $left"
in_root getent passwd dmarcbox >/dev/null || fail "purge deleted the user, whose number may own files elsewhere"
end_step "keep-data honoured, then all gone but the locked user"
