#!/usr/bin/env bash
# The package as a file: tests/package/package_test.sh [BUILD FOLDER OF PRESET release]
# Builds it and checks contents, lintian, the unit's sandbox, manual pages, alert rules, dashboard.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
build=$(realpath "${1:-build/release}")
work=$(mktemp -d)
service=""
cleanup() {
    [ -z "$service" ] || kill "$service" 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT
fail() {
    echo "FAILED: $*" >&2
    exit 1
}

cmake --build "$build" --target deb -j 2 >"$work/build.log" 2>&1 || {
    tail -n 40 "$work/build.log" >&2
    fail "the package does not build"
}
deb=$(find "$build" -maxdepth 1 -name 'dmarcbox_*.deb' -newer "$work" | head -n 1)
[ -n "$deb" ] || fail "no package in $build"
echo "$(basename "$deb"): $(stat -c %s "$deb") bytes"
dpkg-deb -f "$deb" Depends

echo "== contents"
dpkg-deb -c "$deb" | awk '{ print $1, $2, $6 }' >"$work/contents"
while read -r mode path; do
    grep -qx -- "$mode root/root \.$path" "$work/contents" || fail "not in the package, or with another mode: $mode $path
$(cat "$work/contents")"
done <<'CONTENTS'
-rwxr-xr-x /usr/bin/dmarcbox
-rw-r--r-- /etc/dmarcbox/dmarcbox.toml
drwxr-xr-x /etc/dmarcbox/conf.d/
-rw-r--r-- /usr/lib/sysusers.d/dmarcbox.conf
-rw-r--r-- /usr/lib/tmpfiles.d/dmarcbox.conf
-rw-r--r-- /usr/share/man/man1/dmarcbox.1.gz
-rw-r--r-- /usr/share/man/man5/dmarcbox.toml.5.gz
-rw-r--r-- /usr/share/bash-completion/completions/dmarcbox
-rw-r--r-- /usr/share/zsh/vendor-completions/_dmarcbox
-rw-r--r-- /usr/share/fish/vendor_completions.d/dmarcbox.fish
-rw-r--r-- /usr/share/doc/dmarcbox/README.md
-rw-r--r-- /usr/share/doc/dmarcbox/changelog.Debian.gz
-rw-r--r-- /usr/share/doc/dmarcbox/copyright
-rwxr-xr-x /usr/share/doc/dmarcbox/examples/certbot/dmarcbox
-rw-r--r-- /usr/share/doc/dmarcbox/examples/prometheus/alerts.yml
-rw-r--r-- /usr/share/doc/dmarcbox/examples/grafana/dmarcbox.json
CONTENTS
grep -q ' ./\(usr/\)\?lib/systemd/system/dmarcbox.service$' "$work/contents" || fail "no unit in the package"
dpkg-deb -I "$deb" conffiles | grep -qx /etc/dmarcbox/dmarcbox.toml || fail "the configuration is no conffile"

echo "== lintian"
lintian --fail-on error,warning --tag-display-limit 0 "$deb" || fail "lintian"

echo "== unit"
systemd-analyze verify --man=no --recursive-errors=no deploy/systemd/dmarcbox.service 2>&1 |
    grep -v 'Command /usr/bin/dmarcbox is not executable' || true
systemd-analyze security --offline=yes --threshold=20 deploy/systemd/dmarcbox.service >"$work/security" ||
    fail "the unit's exposure is above 2.0: $(tail -n 1 "$work/security")"
tail -n 1 "$work/security"

echo "== manual pages"
dpkg-deb -x "$deb" "$work/root"
for page in man1/dmarcbox.1 man5/dmarcbox.toml.5; do
    said=$(LC_ALL=C.UTF-8 MANROFFSEQ='' MANWIDTH=100 man --warnings -l "$work/root/usr/share/man/$page.gz" 2>&1 >"$work/page")
    [ -z "$said" ] || fail "$page: $said"
    [ "$(wc -l <"$work/page")" -gt 50 ] || fail "$page is almost empty"
done
for command in serve import summary readiness show reprocess prune backup dns check verify config completion; do
    zgrep -q "dmarcbox $command" "$work/root/usr/share/man/man1/dmarcbox.1.gz" || fail "dmarcbox(1) lacks $command"
done
"$work/root/usr/bin/dmarcbox" config --config "$work/root/etc/dmarcbox/dmarcbox.toml" >/dev/null || fail "packaged configuration"
bash -n "$work/root/usr/share/bash-completion/completions/dmarcbox"

echo "== alerts and dashboard"
(cd deploy/prometheus && promtool check rules alerts.yml && promtool test rules alerts_test.yml)
python3 tests/package/metrics_test.py "$work/root/usr/bin/dmarcbox"
echo "package: ok"
