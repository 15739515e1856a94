#!/usr/bin/env bash
# man.sh HELP README: writes wechat-customers(1), whose commands are the program's own and whose settings are the table in the README.
set -euo pipefail
roff() { sed -e 's/\\/\\e/g' -e 's/-/\\-/g' -e "s/^[.']/\\\\\&&/"; }
date=$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%d)
cat <<EOF
.TH WECHAT\-CUSTOMERS 1 "$date"
.SH NAME
wechat\-customers \- list of an enterprise's WeCom customers
.SH SYNOPSIS
.B wechat\-customers
.I command
.RI [ flags ]
.SH DESCRIPTION
Serves getList of the WechatCustomers plugin on MySQL or MariaDB, or, where no database is configured, on a private MariaDB of its own.
.SH COMMANDS
EOF
awk '/^Commands:/ { on = 1; next } /^Run / { on = 0 } on && /^  [a-z]/ { name = $1; $1 = ""; line[++n] = name "\t" substr($0, 2); next } on && NF { $1 = $1; line[n] = line[n] " " $0 }
  END { for (i = 1; i <= n; i++) print line[i] }' "$1" | while IFS=$'\t' read -r name help; do
  printf '.TP\n.B %s\n%s\n' "$(roff <<<"$name")" "$(roff <<<"${help#\[flags\] }")"
done
cat <<'EOF'
.SH ENVIRONMENT
Each setting is a flag too: wechat\-customers serve \-\-help. wechat\-customers config prints those in force and what is wrong with them.
A secret
.RB ( DATABASE_DSN ,
.BR JWT_SECRET ,
and copy's
.BR ORIGINAL_DSN " and " ORIGINAL_COOKIE )
may be in a file that the variable with _FILE after its name says, or in a systemd credential of its name. Traces go where
.B OTEL_EXPORTER_OTLP_ENDPOINT
says.
EOF
sed -n '/^| variable | default | meaning |/,/^$/p' "$2" | tail -n +3 | grep '^|' | tr -d '`' | roff | while IFS='|' read -r _ name default meaning; do
  default=$(sed 's/^ *//; s/ *$//' <<<"$default")
  printf '.TP\n.B %s\n%s.%s\n' "$(sed 's/^ *//; s/ *$//' <<<"$name")" "$(sed 's/^ *//; s/ *$//' <<<"$meaning")" "${default:+ Default: $default.}"
done
cat <<'EOF'
.SH FILES
.TP
.I /etc/wechat\-customers/settings.env
The settings of the service.
.TP
.I /etc/wechat\-customers/credentials/
Secrets that the service alone may read.
.TP
.I /var/lib/wechat\-customers/
The embedded database of the service.
.TP
.I /usr/share/doc/wechat\-customers/operate.md
How it is operated.
.SH EXIT STATUS
0, or 1 where something failed, which standard error says.
EOF
