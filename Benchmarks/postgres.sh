#!/usr/bin/env bash
# One like as a team would write it on PostgreSQL: insert the user's row if it is not there, then raise the count, in one
# durable statement; 64 connections, no HTTP. Prints "uniform N" and "hot N", statements per second.
#   postgres.sh [seconds]
set -euo pipefail
seconds=${1:-20}
bin=$(ls -d /usr/lib/postgresql/*/bin | tail -1)
dir=$(mktemp -d /var/tmp/spillway-postgres.XXXXXX)
chmod 755 "$dir"
as_postgres() { if [ "$(id -u)" = 0 ]; then su postgres -s /bin/bash -c "$1"; else bash -c "$1"; fi; }
finish() {
    as_postgres "$bin/pg_ctl -D $dir/data stop -m immediate" >/dev/null 2>&1 || true
    rm -rf "$dir"
}
trap finish EXIT
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
mkdir "$dir/data"
[ "$(id -u)" = 0 ] && chown postgres "$dir/data"
as_postgres "$bin/initdb -D $dir/data -A trust -U bench >/dev/null"
as_postgres "$bin/pg_ctl -D $dir/data -l $dir/data/log -w -o '-p $port -c listen_addresses=127.0.0.1 \
  -c unix_socket_directories=$dir/data -c shared_buffers=1GB -c max_wal_size=8GB' start >/dev/null"
connection=(-h 127.0.0.1 -p "$port" -U bench)
psql "${connection[@]}" -q -d postgres <<'SQL'
create table reaction (user_id bigint, target_id bigint, state smallint not null, at timestamptz default now(),
                       primary key (user_id, target_id));
create table total (target_id bigint primary key, likes bigint not null default 0);
insert into total (target_id) select generate_series(1, 100000);
SQL
for kind in uniform hot; do
    target='random(1, 100000)'
    [ $kind = hot ] && target=7
    cat >"$dir/$kind.sql" <<SQL
\set user random(1, 1000000000)
\set target $target
with new as (insert into reaction (user_id, target_id, state) values (:user, :target, 1) on conflict do nothing returning 1)
update total set likes = likes + 1 where target_id = :target and exists (select from new);
SQL
    rate=$(pgbench "${connection[@]}" -n -c 64 -j 2 -T "$seconds" -M prepared -f "$dir/$kind.sql" postgres 2>/dev/null |
        sed -n 's/^tps = \([0-9]*\).*/\1/p')
    echo "$kind $rate"
done
