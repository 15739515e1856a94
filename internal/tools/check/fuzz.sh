#!/usr/bin/env bash
# fuzz.sh TIME: runs every fuzz target for TIME, one after the other, as go test allows only one at once.
set -euo pipefail
found=0
while IFS=: read -r file target; do
  found=1
  echo "== $target (${file%/*})"
  go test -run='^$' -fuzz="^$target\$" -fuzztime="$1" "./${file%/*}"
done < <(git ls-files '*_test.go' | xargs sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/;T;F;p' | paste -d: - -)
[ "$found" = 1 ] || { echo "no fuzz target found"; exit 1; }
