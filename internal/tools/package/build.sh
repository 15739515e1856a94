#!/usr/bin/env bash
# build.sh FOLDER NFPM…: builds the program from the work tree's commit, and of it the Debian package, a bill of materials and the checksums of both.
# The version is the tag's that the commit has, else the one that Go makes of the last tag, the commit's time and its name. The same commit makes the
# same bytes wherever it is built. DATE (a time) and VERSION stand in for the commit's, in the test of an upgrade.
set -euo pipefail
out=$1 nfpm=("${@:2}")
export GOOS=linux CGO_ENABLED=0 SOURCE_DATE_EPOCH
SOURCE_DATE_EPOCH=${DATE:-$(git log -1 --format=%ct)}
rm -rf "$out"
mkdir -p "$out/parts"
parts=$(realpath "$out/parts")
go build -trimpath -buildvcs=true -ldflags=-buildid= -o "$parts/" ./cmd/wechat-customers
host() { GOOS='' GOARCH='' go "$@"; }
host build -C internal/tools/package -o "$parts/" ./components
"$parts/components" sbom "$parts/wechat-customers" >"$parts/sbom.cdx.json"
# What is printed is no matter of the machine that it is built for.
host run ./cmd/wechat-customers licences | gzip -9n >"$parts/licences.txt.gz"
host run ./cmd/wechat-customers --help >"$parts/help.txt"
bash internal/tools/package/man.sh "$parts/help.txt" README.md | gzip -9n >"$parts/wechat-customers.1.gz"
version=${VERSION:-$(go version -m "$parts/wechat-customers" | awk '$1 == "mod" { print $3 }')}
ARCH=$(go env GOARCH) DATE=$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ) VERSION=$version OUT=$parts \
  GOOS='' GOARCH='' "${nfpm[@]}" package --config deploy/debian/nfpm.yaml --packager deb --target "$out"
cp "$parts/sbom.cdx.json" "$out/wechat-customers_$(go env GOARCH).cdx.json"
rm -rf "$parts"
(cd "$out" && sha256sum -- * >SHA256SUMS && cat SHA256SUMS)
