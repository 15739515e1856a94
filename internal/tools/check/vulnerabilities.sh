#!/usr/bin/env bash
# vulnerabilities.sh GOVULNCHECK…: runs it on the program. Only where the network does not lead to the vulnerability database is that no failure:
# then one line says that nothing was checked, and is added to the file that NOT_CHECKED names, for CI's summary. GOVULNDB names another database
# (https:// or file://).
set -uo pipefail
output=$(env "$@" -db "${GOVULNDB:-https://vuln.go.dev}" ./... 2>&1)
code=$?
unreachable='^govulncheck: fetching vulnerabilities: (Get|Head) "https?://[^"]*": (dial |proxyconnect |context deadline exceeded|net/http: TLS handshake timeout|read .*connection reset|EOF$)'
if [ $code != 0 ] && grep -qE "$unreachable" <<<"$output"; then
  echo "NOT CHECKED for known vulnerabilities, the database is out of reach: $(grep -m1 -oE '(Get|Head) ".*' <<<"$output")" | tee -a "${NOT_CHECKED:-/dev/null}"
  exit 0
fi
printf '%s\n' "$output"
exit $code
