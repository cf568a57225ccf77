# shellcheck shell=bash disable=SC2034  # installed_text is for the callers' step line
# Which Debian and Ubuntu packages each purpose needs, and how missing ones are installed.
# Sourced by deploy/run, tests/run and the packaging scripts; the lists stand nowhere else.
#
#   packages_for PURPOSE...      prints the names: build, run, test, fuzz, coverage, package, package_test
#   install_packages NAME...     installs those that are missing; says nothing when none is
#   begin STEP / end_step TEXT   one line per step: name, result, time
#   build_preset PRESET LOG [TARGET...]   configures and builds
#   debian_mirror                prints where clean roots take packages from

# Boost 1.81 is the oldest we build with. Debian 12 ships it beside the default 1.74 (libboost-dev
# must not be installed there: the two conflict); later releases have one newer version only.
boost_packages() {
    local version installed
    installed=$(dpkg-query -W -f='${Package} ${db:Status-Status}\n' 'libboost-json*-dev' 2>/dev/null |
        sed -n 's/^libboost-json\(1\.[0-9]*\)-dev installed$/\1/p' | sort -V)
    for version in $installed $(apt-cache pkgnames libboost-json1. 2>/dev/null |
        sed -n 's/^libboost-json\(1\.[0-9]*\)-dev$/\1/p' | sort -V); do
        if [ "${version#1.}" -ge 81 ]; then
            echo "libboost$version-dev libboost-json$version-dev"
            return
        fi
    done
    echo "libboost1.81-dev libboost-json1.81-dev" # unknown before `apt-get update`; asked again after it
}

# Ubuntu's Chromium is a snap, which no apt brings to a container or a clean root; the test of the page skips there.
browser_package() {
    # shellcheck source=/dev/null
    (. /etc/os-release && [ "${ID-}" = ubuntu ]) || echo chromium
}

packages_for() {
    local purpose
    for purpose; do
        case $purpose in
        # doctest is two headers, and lets one configured build folder serve tests/run too.
        build) echo "g++ cmake ninja-build ccache pkg-config git doctest-dev $(boost_packages)" \
            "libssl-dev libmimetic-dev libpugixml-dev libsqlite3-dev libspdlog-dev libfmt-dev" \
            "zlib1g-dev libarchive-dev libicu-dev libunbound-dev libpsl-dev publicsuffix" \
            "libcli11-dev libtomlplusplus-dev libexpected-dev libsystemd-dev" ;;
        # What the printed hints use.
        run) echo "curl sqlite3" ;;
        # Clients and servers that the tests talk to; python3 runs them.
        test) echo "python3 curl swaks libnet-ssleay-perl sqlite3 openssl zip p7zip-full nsd postfix" \
            "libcap2-bin librapidcheck-dev libfaketime $(browser_package)" ;;
        fuzz) echo "clang-14 libclang-rt-14-dev clang-tidy-14 clang-format-14" ;;
        coverage) echo "gcovr" ;;
        package) echo "scdoc dpkg-dev file python3" ;;
        # What checks the package and makes roots and images of it; not for a server.
        package_test) echo "lintian mmdebstrap buildah crun systemd prometheus iproute2 man-db curl sqlite3" ;;
        *)
            echo "packages.sh: no purpose \"$purpose\"" >&2
            return 1
            ;;
        esac
    done
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        echo "not root and no sudo: cannot run $*" >&2
        return 1
    fi
}

missing_packages() {
    local name
    for name; do
        [ "$(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || echo "$name"
    done
}

# Packages of test servers (Postfix, nsd) must not start a service on the machine that runs the tests:
# a policy that denies it stands for as long as apt runs, where the machine has none of its own.
apt_install() {
    local policy=/usr/sbin/policy-rc.d ours="" result=0
    if [ ! -e $policy ]; then
        ours=yes
        printf '#!/bin/sh\nexit 101\n' | as_root tee $policy >/dev/null && as_root chmod 755 $policy || return
    fi
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
        -o DPkg::Lock::Timeout=300 "$@" </dev/null || result=$?
    [ -z "$ours" ] || as_root rm -f $policy
    return $result
}

# install_packages PURPOSE...: the text for the step's line is left in $installed_text. apt's own output goes
# to a file that is shown when it fails. The lists are fetched only when apt does not know a package or
# cannot get it.
install_packages() {
    local missing log names
    if ! command -v apt-get >/dev/null; then
        echo "no apt-get here; install these by hand, under your distribution's names: $(packages_for "$@" | tr '\n' ' ')" >&2
        return 1
    fi
    read -r -a names <<<"$(packages_for "$@" | tr '\n' ' ')"
    read -r -a missing <<<"$(missing_packages "${names[@]}" | tr '\n' ' ')"
    if [ ${#missing[@]} = 0 ]; then
        installed_text="already installed"
        return 0
    fi
    log=$(mktemp)
    # Postfix asks how it shall be configured; the tests bring their own configuration folder.
    case " ${missing[*]} " in *" postfix "*)
        echo "postfix postfix/main_mailer_type select No configuration" | as_root debconf-set-selections || return
        ;;
    esac
    if ! apt_install "${missing[@]}" >"$log" 2>&1; then
        if ! as_root apt-get update -q </dev/null >>"$log" 2>&1; then
            cat "$log" >&2
            rm -f "$log"
            return 1
        fi
        read -r -a names <<<"$(packages_for "$@" | tr '\n' ' ')" # Boost's version may be known only now
        read -r -a missing <<<"$(missing_packages "${names[@]}" | tr '\n' ' ')"
        if ! apt_install "${missing[@]}" >"$log" 2>&1; then
            cat "$log" >&2
            rm -f "$log"
            return 1
        fi
    fi
    rm -f "$log"
    installed_text="installed ${#missing[@]} packages"
}

# The mirror of Debian that apt here uses, or $DMARCBOX_MIRROR; nothing where apt has none (mmdebstrap has a default).
debian_mirror() {
    # shellcheck disable=SC2016  # apt expands it
    echo "${DMARCBOX_MIRROR:-$(apt-get indextargets --format '$(SITE)' 2>/dev/null | grep -m1 '/debian/\?$' || true)}"
}

begin() {
    step_name=$1
    step_started=$(date +%s%N)
    [ ! -t 1 ] || printf '%-10s ...\r' "$step_name"
}

end_step() {
    local tenths=$((($(date +%s%N) - step_started) / 100000000))
    printf '%-10s %-58s %6d.%d s\n' "$step_name" "$1" $((tenths / 10)) $((tenths % 10))
}

# A compile job of ours takes up to 1.2 GB with sanitizers: one job at a time on a small machine.
build_jobs() {
    local available
    available=$(awk '/^MemAvailable:/ { print int($2 / 1048576) }' /proc/meminfo)
    if [ "${available:-4}" -lt 3 ] || [ "$(nproc)" -lt 2 ]; then echo 1; else echo 2; fi
}

# build_preset PRESET LOG [TARGET...]: configures and builds; on failure shows the end of what was said.
build_preset() {
    local preset=$1 log=$2
    shift 2
    if { cmake --preset "$preset" && cmake --build --preset "$preset" -j "$(build_jobs)" ${1+--target "$@"}; } \
        >"$log" 2>&1 </dev/null; then
        return 0
    fi
    tail -n 60 "$log" >&2
    echo "the build failed; all of its output: $log" >&2
    return 1
}
