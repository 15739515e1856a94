#!/usr/bin/env bash
# build.sh FOLDER NFPM…: builds the program from a fresh clone of the commit, and of it the Debian package, a bill of materials and the checksums of both.
# The version is the tag's that the commit has, else the one that Go makes of the last tag, the commit's time and its name. The same commit makes the
# same bytes wherever it is built.
set -euo pipefail
out=$1 nfpm=("${@:2}")
[ -z "$(git status --porcelain)" ] || echo "what is not committed is not in the package"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
git clone -q . "$work/tree"
rm -rf "$out" && mkdir -p "$out" && out=$(realpath "$out")
cd "$work/tree"

arch=$(go env GOARCH) parts=$work/parts
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export GOOS=linux CGO_ENABLED=0 SOURCE_DATE_EPOCH
host() { env GOOS= GOARCH= "$@"; }
go build -trimpath -buildvcs=true -ldflags='-s -w -buildid=' -o "$parts/" ./cmd/wechat-customers
host go build -C internal/tools/package -o "$parts/" ./components
# Built for another machine, it is built for this one too, to print.
program=$parts/wechat-customers
[ "$arch" = "$(go env GOHOSTARCH)" ] || { program=$parts/host && host go build -o "$program" ./cmd/wechat-customers; }
"$parts/components" sbom "$parts/wechat-customers" >"$parts/sbom.cdx.json"
"$program" licences | gzip -9n >"$parts/licences.txt.gz"
"$program" --help >"$parts/help.txt"
bash internal/tools/package/man.sh "$parts/help.txt" README.md | gzip -9n >"$parts/wechat-customers.1.gz"

version=$(go version -m "$parts/wechat-customers" | awk '$1 == "mod" { print $3 }')
sed -e "s|\${ARCH}|$arch|; s|\${VERSION}|$version|; s|\${OUT}|$parts|" deploy/debian/nfpm.yaml >"$parts/nfpm.yaml"
host "${nfpm[@]}" package --config "$parts/nfpm.yaml" --packager deb --target "$out"
cp "$parts/sbom.cdx.json" "$out/wechat-customers_$arch.cdx.json"
cd "$out" && sha256sum -- * >SHA256SUMS && cat SHA256SUMS
