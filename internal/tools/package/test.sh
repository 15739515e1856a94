#!/usr/bin/env bash
# test.sh NFPM…: builds the package twice and compares the bytes, then installs it on this machine as an operator does, starts it, upgrades it, goes back,
# removes and purges it. Where no systemd runs the unit is verified, and its command run as the unit says. It needs root, Debian or Ubuntu, and a machine
# that does not have the package; what it installed is removed again.
set -euo pipefail
[ "$(id -u)" = 0 ] || { echo "installing a package takes root"; exit 1; }
export DEBIAN_FRONTEND=noninteractive
unit=/lib/systemd/system/wechat-customers.service state=/var/lib/wechat-customers
installed() { dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null | grep -q '^installed$'; }
dpkg-query -W wechat-customers >/dev/null 2>&1 && { echo "the package is on this machine already"; exit 1; }
[ ! -e $state ] || { echo "$state is there already"; exit 1; }
for tool in curl:curl setpriv:util-linux systemd-analyze:systemd man:man-db; do
  command -v "${tool%:*}" >/dev/null || missing+=("${tool#*:}")
done
[ -z "${missing+x}" ] || { apt-get -qq update && apt-get -qq install --yes --no-install-recommends "${missing[@]}"; }

dir=$(mktemp -d) pid=
chmod 755 "$dir" # apt reads packages as a user of its own
had_server=$(installed mariadb-server-core && echo yes || true)
clean() {
  [ -z "$pid" ] || kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null || true
  apt-get -qq purge --yes wechat-customers >/dev/null 2>&1 || true
  [ -n "$had_server" ] || apt-get -qq purge --autoremove --yes mariadb-server-core >/dev/null 2>&1 || true
  rm -rf "$dir" $state /var/log/wechat-customers /run/wechat-customers /run/credentials/wechat-customers.service
  deluser --quiet --system wechat-customers 2>/dev/null || true
}
trap clean EXIT
fail() { echo "FAILED: $*"; [ ! -s "$dir/log" ] || tail -20 "$dir/log"; exit 1; }
say() { printf -- '--- %s\n' "$*"; }

say "built"
bash internal/tools/package/build.sh "$dir/new" "$@"
bash internal/tools/package/build.sh "$dir/again" "$@" >/dev/null
diff "$dir/new/SHA256SUMS" "$dir/again/SHA256SUMS" || fail "built again the bytes are others"
mkdir "$dir/old"
dpkg-deb -R "$dir"/new/*.deb "$dir/old/tree"
sed -i 's/^Version: .*/Version: 0.0.0~0/' "$dir/old/tree/DEBIAN/control"
dpkg-deb -Znone -b "$dir/old/tree" "$dir/old/old.deb" >/dev/null

value() { sed -n "s/^$1=//p" $unit; }
# start runs what the unit says, as its user, with its settings, and nothing else.
start() {
  : >"$dir/log"
  if [ -d /run/systemd/system ]; then
    systemctl start wechat-customers
    journalctl -fu wechat-customers -o cat -n 0 >"$dir/log" &
  else
    local variables=() name
    install -d -o "$(value User)" -g "$(value Group)" -m "$(value StateDirectoryMode)" "/var/lib/$(value StateDirectory)"
    install -d -o "$(value User)" -g "$(value Group)" -m "$(value LogsDirectoryMode)" "/var/log/$(value LogsDirectory)"
    install -d -o "$(value User)" -g "$(value Group)" "/run/$(value RuntimeDirectory)"
    install -d -o "$(value User)" -m 500 /run/credentials/wechat-customers.service
    for name in /etc/wechat-customers/credentials/*; do
      [ ! -f "$name" ] || install -o "$(value User)" -m 400 "$name" "/run/credentials/wechat-customers.service/settings_${name##*/}"
    done
    mapfile -t variables < <(value Environment; grep -v '^#' "$(value EnvironmentFile)" | grep .)
    (cd / && umask "$(value UMask)" && exec setpriv --reuid="$(value User)" --regid="$(value Group)" --clear-groups --no-new-privs --bounding-set=-all \
      env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin CREDENTIALS_DIRECTORY=/run/credentials/wechat-customers.service \
      "${variables[@]}" $(value ExecStart)) >"$dir/log" 2>&1 &
    pid=$!
  fi
  local tries
  for ((tries = 0; tries < 300; tries++)); do
    address=$(sed -n 's/.*"msg":"listening","address":"\([^"]*\)".*/\1/p' "$dir/log")
    [ -z "$address" ] || break
    [ -z "$pid" ] || kill -0 "$pid" 2>/dev/null || fail "it has ended"
    sleep 0.1
  done
  # The database is looked at once it listens.
  curl -s -o /dev/null --fail --retry 30 --retry-delay 1 "http://$address/readyz" || fail "/readyz"
}
stop() {
  if [ -d /run/systemd/system ]; then
    systemctl stop wechat-customers
  else
    kill "$pid"
    wait "$pid" || fail "exit status $? when told to end"
    pid=
  fi
}

say "installed"
apt-get -qq update
apt-get -qq install --yes "$dir"/old/*.deb >"$dir/apt" 2>&1 || { cat "$dir/apt"; fail "install"; }
[ "$(stat -c '%U %a' /etc/wechat-customers/settings.env)" = "root 600" ] || fail "the settings can be read by others"
id wechat-customers >/dev/null || fail "no user"
man --warnings wechat-customers 2>"$dir/man" | grep -q JWT_SECRET || fail "the manual page"
[ ! -s "$dir/man" ] || fail "the manual page: $(cat "$dir/man")"
wechat-customers licences | grep -q '^vue\|^@vue' || fail "licences"
verified=$(systemd-analyze verify --recursive-errors=no $unit 2>&1) || fail "the unit: $verified"
[ -z "$verified" ] || fail "the unit: $verified"
systemd-analyze security --offline=true --threshold=20 $unit | tail -1 || fail "the unit is open to more than it needs"
sed -i 's/^LISTEN_ADDR=.*/LISTEN_ADDR=127.0.0.1:0/' /etc/wechat-customers/settings.env

say "started"
start
owner=$(ps -o user:32= -p "${pid:-$(systemctl show -P MainPID wechat-customers)}" | tr -d ' ')
[ "$owner" = wechat-customers ] || fail "it runs as $owner"
[ -z "$(find $state ! -user wechat-customers)" ] || fail "its data are not its own"
as() { setpriv --reuid=wechat-customers --regid=wechat-customers --clear-groups env -i PATH="$PATH" DATA_DIR=$state wechat-customers "$@"; }
as import - <<<'{"business":{"uniacid":2,"id":1,"name":"kept"}}' 2>/dev/null | grep -q "1 new" || fail "import"
stop

say "upgraded, and back, and again: settings and data stay"
for which in new old new; do
  apt-get -qq install --yes --allow-downgrades "$dir/$which"/*.deb >"$dir/apt" 2>&1 || { cat "$dir/apt"; fail "$which"; }
  dpkg-query -W wechat-customers
  grep -q '^LISTEN_ADDR=127.0.0.1:0' /etc/wechat-customers/settings.env || fail "the settings are gone"
  start
  as import - <<<'{"business":{"uniacid":2,"id":1,"name":"kept"}}' 2>/dev/null | grep -q "1 as they were" || fail "the data are gone"
  stop
done

say "removed"
apt-get -qq remove --yes wechat-customers >/dev/null 2>&1
[ ! -e /usr/bin/wechat-customers ] && [ ! -e $unit ] || fail "it is still there"
[ -e /etc/wechat-customers/settings.env ] && [ -d $state/ ] || fail "settings or data are gone"
say "purged"
apt-get -qq purge --yes wechat-customers >/dev/null 2>&1
[ ! -e /etc/wechat-customers ] || fail "the settings are still there"
[ -d $state/ ] || fail "the data are gone"
echo "the package is right"
