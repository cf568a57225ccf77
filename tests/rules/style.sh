#!/usr/bin/env bash
# Format and lint of all sources: tests/rules/style.sh [BUILD FOLDER OF PRESET dev] [FOLDER OR FILE...]
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
build=${1:-build/dev}
[ $# -eq 0 ] || shift
[ -f "$build/compile_commands.json" ] || {
    echo "style.sh: no $build/compile_commands.json; run: cmake --preset dev" >&2
    exit 2
}
mapfile -t sources < <(git ls-files '*.cpp' '*.hpp')
mapfile -t units < <(git ls-files "${@:-.}" | grep -E '^(mime|schema|storage|server)/.*\.cpp$')

clang-format-14 --dry-run -Werror "${sources[@]}"
echo "clang-format: ${#sources[@]} files"
# The compile commands are GCC's; clang does not know all of its warnings.
printf '%s\n' "${units[@]}" | xargs -P 2 -n 4 clang-tidy-14 -p "$build" --quiet --extra-arg=-Wno-unknown-warning-option
echo "clang-tidy: ${#units[@]} files"
