#!/usr/bin/env bash
# run.sh PROGRAM [NAME…]: generates a client from api/openapi.yaml with each of the tools below, compiles it, and lets it make a filtered call to PROGRAM
# with its demonstration; and lets openapi-core judge the requests of internal/httpapi/testdata/verdicts.json. With names only those of them.
# The tools are pinned: requirements.txt (which brings a JRE for openapi-generator), package-lock.json, and ogen below. Needs Go, Node, npm and Python 3.10.
set -euo pipefail
program=$(realpath "$1")
shift
here=$(realpath "$(dirname "${BASH_SOURCE[0]}")")
root=$(realpath "$here/../../../..")
document=$root/api/openapi.yaml
ogen=v1.24.0

dir=$(mktemp -d)
server=
stop() {
  [ -z "$server" ] || { kill "$server" 2>/dev/null && wait "$server" || true; }
  rm -rf "$dir"
}
trap stop EXIT

DATA_DIR=$dir/data LISTEN_ADDR=127.0.0.1:0 "$program" serve --demo >"$dir/out" 2>"$dir/log" &
server=$!

echo "== install"
python3 -m venv "$dir/venv"
PATH=$dir/venv/bin:$PATH
pip install --quiet --disable-pip-version-check --requirement "$here/requirements.txt"
cp "$here"/package*.json "$dir/"
(cd "$dir" && npm ci --silent)

until curl=$(grep "^curl " "$dir/out"); do
  kill -0 "$server" 2>/dev/null || { cat "$dir/log"; exit 1; }
  sleep 0.2
done
token=$(sed -n "s/.*Bearer \([^']*\)'.*/\1/p" <<<"$curl")
address=$(sed -n "s|.*'\(http://[^/]*\).*|\1|p" <<<"$curl")

passed=() failed=()
# try NAME FUNCTION: in a folder of its own.
try() {
  if [ -n "$wanted" ] && [[ " $wanted " != *" $1 "* ]]; then return; fi
  echo "== $1"
  mkdir "$dir/$1"
  # Not in a condition, where set -e would not count and a compiler's complaint would be passed over.
  set +e
  (set -e; cd "$dir/$1"; "$2")
  local code=$?
  set -e
  if [ $code = 0 ]; then passed+=("$1"); else failed+=("$1"); fi
}
wanted=$*

# A generator of openapi-generator. Models of forms are left out unless asked for, and typescript-fetch imports them all the same.
generator() {
  openapi-generator-cli generate --global-property skipFormModel=false -i "$document" -g "$@" >log 2>&1 || { tail -20 log; return 1; }
}

fetch() {
  generator typescript-fetch -o generated --additional-properties importFileExtension=.js
  cp "$here/fetch.ts" . && echo '{"type":"module"}' >package.json
  "$dir/node_modules/.bin/tsc" --strict --skipLibCheck --target es2022 --module nodenext --lib es2022,dom --types node --typeRoots "$dir/node_modules/@types" fetch.ts
  node fetch.js "$address" "$token"
}

python() {
  generator python -o generated
  python3 -m compileall -q generated/openapi_client
  PYTHONPATH=generated python3 "$here/generator.py" "$address" "$token"
}

go_client() {
  generator go -o generated --git-user-id generated --git-repo-id client --additional-properties packageName=client
  rm -rf generated/test
  sed -i 's|^module .*|module example.com/generated/client|' generated/go.mod
  mkdir call && cp "$here/generator.go.txt" call/main.go
  printf 'module call\n\ngo 1.26.0\n\nrequire example.com/generated/client v0.0.0\n\nreplace example.com/generated/client => ../generated\n' >call/go.mod
  (cd generated && go mod tidy && go vet ./...) 2>log || { cat log; return 1; }
  (cd call && go mod tidy && go run . "$address" "$token") 2>log || { cat log; return 1; }
}

ogen_client() {
  printf 'module example.com/generated/ogen\n\ngo 1.26.0\n' >go.mod
  go run github.com/ogen-go/ogen/cmd/ogen@$ogen --target api --package api --clean "$document" 2>log || { tail -20 log; return 1; }
  cp "$here/ogen.go.txt" main.go
  { go get github.com/ogen-go/ogen@$ogen && go mod tidy && go vet ./... && go run . "$address" "$token"; } 2>log || { cat log; return 1; }
}

python_client() {
  openapi-python-client generate --path "$document" --meta none --output-path we_com_customer_list_client >log 2>&1 || { cat log; return 1; }
  # A schema that it cannot read is left out with a warning alone.
  if grep -i "warning" log; then return 1; fi
  PYTHONPATH=. python3 "$here/client.py" "$address" "$token"
}

hey() {
  (cd "$dir" && npx --no-install openapi-ts -i "$document" -o hey/generated -c @hey-api/client-fetch >hey/log 2>&1) || { cat log; return 1; }
  cp "$here/hey.ts" . && echo '{"type":"commonjs"}' >package.json
  "$dir/node_modules/.bin/tsc" --strict --skipLibCheck --target es2022 --module commonjs --moduleResolution node10 --lib es2022,dom,dom.iterable \
    --types node --typeRoots "$dir/node_modules/@types" hey.ts
  node hey.js "$address" "$token"
}

verdicts() {
  python3 "$here/verdicts.py" "$document" "$root/internal/httpapi/testdata/verdicts.json"
}

try verdicts verdicts
try typescript-fetch fetch
try python python
try go go_client
try ogen ogen_client
try openapi-python-client python_client
try hey hey
echo "compiled, and made a filtered call (verdicts: judged): ${passed[*]}"
if [ ${#failed[@]} -gt 0 ]; then
  echo "failed: ${failed[*]}"
  exit 1
fi
