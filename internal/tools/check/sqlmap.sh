#!/usr/bin/env bash
# sqlmap.sh PROGRAM: serves the demonstration on a free port and lets sqlmap try every parameter, in the query, in a JSON body and in the path.
# Fails where it finds one that it can inject into, and where it could not try.
set -euo pipefail
command -v sqlmap >/dev/null || { echo "sqlmap is missing: apt-get install sqlmap"; exit 1; }
program=$(realpath "$1")
dir=$(mktemp -d)
server=
stop() {
  [ -z "$server" ] || { kill "$server" 2>/dev/null && wait "$server" || true; }
  rm -rf "$dir"
}
trap stop EXIT

DATA_DIR=$dir/data LISTEN_ADDR=127.0.0.1:0 "$program" serve --demo >"$dir/out" 2>"$dir/log" &
server=$!
until curl=$(grep "^curl " "$dir/out"); do
  kill -0 "$server" 2>/dev/null || { cat "$dir/log"; exit 1; }
  sleep 0.2
done
token=$(sed -n "s/.*Bearer \([^']*\)'.*/\1/p" <<<"$curl")
url=$(sed -n "s/.*'\(http[^'?]*\).*/\1/p" <<<"$curl")
account=$(sed -n 's|.*/business/\([0-9]*\)/.*|\1|p' <<<"$url")

query='page=1&per_page=5&crop_id=1&before_id=&omit=employee&search[customer]=a&search[member]=0&search[add_way_type]=1&search[tags_data]=a&search[employee_member]=a&search[type]=1&search[status]=1&search[time][0]=1&search[time][1]=2000000000&search[remark]=a'
body='{"page":1,"per_page":5,"crop_id":1,"search":{"customer":"a","member":"0","add_way_type":1,"tags_data":"a","employee_member":"a","type":1,"status":1,"time":[1,2000000000],"remark":"a"}}'

answered() { # what sqlmap starts from must be an answer out of the database
  curl -sf -o /dev/null -H "Authorization: Bearer $token" "$@" || { echo "not answered: $*"; exit 1; }
}
try() { # name, sqlmap's arguments
  echo "== $1"
  # 400 is the right answer to most of what it sends. It may be wrong about what is reflected, never about what it gets to run.
  sqlmap "${@:2}" --batch --flush-session --disable-coloring --output-dir="$dir/sqlmap" --dbms=MySQL --level=1 --risk=2 --threads=4 --timeout=20 \
    --ignore-code=400,403 --headers="Authorization: Bearer $token" >"$dir/found" 2>&1 || true
  if grep -qE "^sqlmap identified|is vulnerable" "$dir/found"; then
    cat "$dir/found"
    exit 1
  fi
  grep -q "all tested parameters do not appear to be injectable" "$dir/found" || { tail -20 "$dir/found"; echo "sqlmap did not get to the end"; exit 1; }
  echo "$(grep -c "testing for SQL injection on" "$dir/found") parameters tried, nothing found"
}

answered "$url"
answered --globoff "$url?$query"
answered "$url" -H 'Content-Type: application/json' --data "$body"
try "the query" -u "$url?$query"
try "a JSON body" -u "$url" --data "$body" -H 'Content-Type: application/json'
try "the path" -u "${url/\/$account\//\/$account*\/}"
