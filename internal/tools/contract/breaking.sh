#!/usr/bin/env bash
# breaking.sh RELEASED DOCUMENT OASDIFF…: fails where DOCUMENT breaks callers of RELEASED under the same major version (below 1.0: the same minor),
# or where its version is lower. `make release` keeps the document as RELEASED.
set -euo pipefail
released=$1 document=$2
shift 2
if [ ! -f "$released" ]; then
  echo "$released is not there: it is the last released document, kept by make release"
  exit 1
fi
# The version within info:, with or without quotes.
version() {
  awk '/^info:/ {inside = 1; next} /^[^ #]/ {inside = 0} inside && /^  version:/ {gsub(/["\x27]/, "", $2); print $2; exit}' "$1"
}
# What may not change while nothing breaks: 2.3.4 → 2, 0.3.4 → 0.3.
series() {
  case $1 in 0.*) cut -d. -f1,2 <<<"$1" ;; *) cut -d. -f1 <<<"$1" ;; esac
}
was=$(version "$released") is=$(version "$document")
for v in "$was" "$is"; do
  [[ $v =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] || { echo "info.version is \"$v\", not three numbers"; exit 1; }
done
if [ "$(printf '%s\n' "$was" "$is" | sort -V | tail -1)" != "$is" ]; then
  echo "$document: version $is is lower than the released $was"
  exit 1
fi
if [ "$(series "$was")" != "$(series "$is")" ]; then
  echo "$document: $is may break what $was promised"
  exit 0
fi
# Warnings count: a removed filter is one to oasdiff, but here the callers who send it would be refused.
# Flattened: a parameter that moves from an operation to its path, or a field into an allOf, is not removed.
if ! env "$@" breaking --fail-on WARN --flatten-allof --flatten-params "$released" "$document"; then
  echo "$document: breaks callers of $was, so it needs a version after $(series "$was").x, not $is"
  exit 1
fi
