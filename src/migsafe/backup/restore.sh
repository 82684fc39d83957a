#!/bin/sh
# Puts a PostgreSQL database back to what it was when migsafe took the backup beside this script.
#
#   PGHOST=… PGUSER=… PGDATABASE=… PGPASSWORD=… sh restore.sh    in place, in one transaction
#   sh restore.sh 'postgresql://user@host/dbname'                the same; a password belongs in ~/.pgpass
#   sh restore.sh --new-database NAME                            beside the old one, in parallel
#   sh restore.sh --show                                         say what would happen, change nothing
#
# In place: everything that the backup holds and everything that the migration made is dropped, then the backup is
# loaded, its rows are counted, and only then it is committed. Whatever goes wrong, the database stays as it is now.
# Then every object is held to what was recorded when the backup was made.
# pg_restore can be parallel or atomic, not both: in place is atomic, --new-database is parallel (--jobs N), but for a
# server before 17 when pg_restore is 17 or newer.
# Stop the application first: every table is locked until the end. In place the disk must hold both until then.
#
#   --yes             do not ask (for machines)
#   --to NAME         the database is called NAME and not as in the backup
#   --other-cluster   restore also where the backup is not from: another server, or this one made anew
#   --drop-new        drop also what is neither in the backup nor made by the migration
#   --lock-timeout S  give up after S seconds when others hold locks (default 30)
#
# Needs psql, pg_restore, sha256sum (or shasum), awk and sed. Ends with 0: restored · 1: refused or declined, nothing changed ·
# 2: wrong usage · 3: failed, nothing changed in place · 5: restored and counted, but objects differ (they are listed).
set -eu
umask 077

database=@database@
dumped_by=@dumped_by@
server=@server@
identifier=@identifier@
taken=@taken@
holds=@holds@
heads=@heads@
version_table=@version_table@
known_programs=@programs@
backup=$(cd "$(dirname "$0")" && pwd)/@backup@

target='' to='' new='' yes='' another='' show='' drop_new=off jobs=4 lock_timeout=30

fail() { # exit code, message, what to do
    printf 'restore.sh: %s\n' "$2" >&2
    [ -z "${3:-}" ] || printf '  %s\n' "$3" >&2
    exit "$1"
}

usage() { sed -n '2,/^set -eu$/{ /^set -eu$/d; s/^# \{0,1\}//; p; }' "$0"; }

value() { [ "$1" -ge 2 ] || fail 2 "$2 needs a value" "sh restore.sh --help"; }

while [ $# -gt 0 ]; do
    case $1 in
    --yes) yes=1 ;;
    --show) show=1 ;;
    --other-cluster) another=1 ;;
    --drop-new) drop_new=on ;;
    --to) value $# "$1"; to=$2; shift ;;
    --new-database) value $# "$1"; new=$2; shift ;;
    --jobs) value $# "$1"; jobs=$2; shift ;;
    --lock-timeout) value $# "$1"; lock_timeout=$2; shift ;;
    -h | --help) usage; exit 0 ;;
    -*) fail 2 "unknown option $1" "sh restore.sh --help" ;;
    *) [ -z "$target" ] || fail 2 "more than one database is named" "sh restore.sh --help"; target=$1 ;;
    esac
    shift
done
case $new in *[!A-Za-z0-9_-]* | -*) fail 2 "--new-database takes letters, digits, _ and - only" ;; esac
case $jobs$lock_timeout in *[!0-9]*) fail 2 "--jobs and --lock-timeout take whole numbers" ;; esac

major() { "$1" --version 2>/dev/null | sed -n 's/.*(PostgreSQL) \([0-9]*\).*/\1/p'; }

programs() { # the first folder whose psql and pg_restore can read this backup
    psql=${1:+$1/}psql pg_restore=${1:+$1/}pg_restore
    have=$(major "$pg_restore") || have=''
    have_psql=$(major "$psql") || have_psql=''
    [ "${have:-0}" -ge "$dumped_by" ] && [ "${have_psql:-0}" -ge "$dumped_by" ]
}

if [ -n "${MIGSAFE_PG_BIN:-}" ]; then
    programs "$MIGSAFE_PG_BIN" || programs=missing
else
    programs '' || programs "$known_programs" || programs=missing
fi
[ -z "${programs:-}" ] || fail 2 "psql and pg_restore $dumped_by or newer are not here" \
    "Install postgresql-client-$dumped_by, or set MIGSAFE_PG_BIN to the folder that has them."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

ask() { # psql on the database that the environment or the argument names, unless $at says otherwise
    if [ -n "${at:-$target}" ]; then set -- -d "${at:-$target}" "$@"; fi
    PGAPPNAME='migsafe restore' "$psql" -X -q -w -A -t -v ON_ERROR_STOP=1 "$@"
}

objects_sql() {
    cat <<'MIGSAFE_SQL'
@objects_sql@
MIGSAFE_SQL
}

drop_sql() {
    cat <<'MIGSAFE_SQL'
@drop_sql@
MIGSAFE_SQL
}

count_sql() {
    cat <<'MIGSAFE_SQL'
@count_sql@
MIGSAFE_SQL
}

catalog_sql() {
    cat <<'MIGSAFE_SQL'
@catalog_head@
MIGSAFE_SQL
    cat "$backup/catalog.copy"
    cat <<'MIGSAFE_SQL'
@catalog_tail@
MIGSAFE_SQL
}

echo "Reading the checksums of $backup"
sum=sha256sum
command -v sha256sum >/dev/null || sum='shasum -a 256'
if ! (cd "$backup" && $sum -c MANIFEST.sha256) >"$work/sums" 2>&1 ||
    [ "$(grep -c ': OK$' "$work/sums")" -ne "$(wc -l <"$backup/MANIFEST.sha256")" ]; then
    grep -v ': OK$' "$work/sums" >&2 || true
    fail 1 "the backup is not what migsafe wrote; nothing was changed" "Use another backup."
fi
(cd "$backup" && find . -type f ! -path ./MANIFEST.sha256 ! -path ./drill.json) | sed 's#^\./##' |
    awk 'NR == FNR { known[substr($0, 67)] = 1; next } !($0 in known)' "$backup/MANIFEST.sha256" - >"$work/strangers"
[ ! -s "$work/strangers" ] || fail 1 "not in MANIFEST.sha256: $(tr '\n' ' ' <"$work/strangers")" \
    "Nothing was changed. Take away what is not of the backup, or use another one."
"$pg_restore" --list "$backup" >"$work/toc" || fail 1 "pg_restore cannot read the backup" "Use another backup."
of=$(sed -n 's/^; *dbname: //p' "$work/toc")
[ "$of" = "$database" ] || fail 1 "the dump is of the database $of, and backup.json is about $database" \
    "Nothing was changed. Use another backup."

facts=$(ask -F '|' -c "SELECT current_setting('server_version_num')::int / 10000, current_setting('is_superuser'),
    (SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()),
    pg_is_in_recovery(), coalesce(host(inet_server_addr()), 'local socket') || ':' || current_setting('port'),
    current_database()") || fail 1 "the database cannot be reached; nothing was changed" \
    "Set PGHOST, PGPORT, PGUSER, PGDATABASE and PGPASSWORD (or ~/.pgpass), or name the database as an argument."
field() { printf '%s\n' "$facts" | cut -d '|' -f "$1"; }
now=$(field 6-)

[ "$(field 1)" -ge "$server" ] || fail 1 "the server is PostgreSQL $(field 1), the backup is of $server" \
    "Restore into a server of version $server or newer."
[ "$(field 4)" = f ] || fail 1 "this is a standby; nothing can be restored here" "Connect to the primary."
if [ -n "$to" ] && [ "$now" != "$to" ]; then
    fail 1 "this is the database $now, not $to" "Set PGDATABASE=$to."
elif [ -z "$to$new" ] && [ "$now" != "$database" ]; then
    fail 1 "this is the database $now, and the backup is of $database; nothing was changed" \
        "Set PGDATABASE=$database, or add --to $now to overwrite $now all the same."
fi

here=$(ask -c 'SELECT system_identifier FROM pg_catalog.pg_control_system()' 2>/dev/null) || here=''
if [ -n "$identifier" ] && [ -n "$here" ] && [ "$identifier" != "$here" ] && [ -z "$another" ]; then
    fail 1 "this is cluster $here, and the backup is of cluster $identifier; nothing was changed" \
        "Connect to the server that it is of, or add --other-cluster to restore here all the same."
fi
{
    echo "Backup    of $database, PostgreSQL $server, taken $taken: $holds"
    echo "          Alembic was at $heads then"
    if [ -n "$new" ]; then
        echo "Restore   into a new database $new on $(field 5); $now stays as it is"
    else
        echo "Overwrite $now on $(field 5); $(field 3) other sessions are connected to it"
    fi
    [ -n "$here" ] || echo "          Which cluster this is, this role may not see: pg_control_system()"
} >&2

confirm() { # the name that has to be typed
    [ -z "$show" ] || exit 0
    [ -z "$yes" ] || return 0
    [ -t 0 ] || [ -n "${MIGSAFE_ANSWER_FROM_STDIN:-}" ] ||
        fail 1 "nobody is here to be asked; nothing was changed" "Add --yes."
    printf 'Type %s to go on: ' "$1" >&2
    read -r answer || answer=''
    [ "$answer" = "$1" ] || fail 1 "declined; nothing was changed"
}

known_settings() { # what pg_restore prints, without what the server does not know
    # Since 17 pg_restore sets transaction_timeout, whatever the server. Its settings come first, client_encoding last.
    if [ "$(field 1)" -ge 17 ]; then
        cat
    else
        LC_ALL=C sed '1,/^SET client_encoding = /{ /^SET transaction_timeout = 0;$/d; }'
    fi
}

into_new() { # whether all of it was restored
    if [ "$(field 1)" -ge 17 ] || [ "$have" -lt 17 ]; then
        "$pg_restore" --exit-on-error --no-password --jobs "$jobs" --dbname "$at" "$backup"
        return
    fi
    { "$pg_restore" --file - "$backup" && echo "SELECT 'restored';"; } | known_settings | ask >"$work/said" &&
        [ "$(sed -n '$p' "$work/said")" = restored ]
}

conclude() { # where it is now
    # Of a catalog that this role may not analyze the server warns, a line each.
    ask -c "SET client_min_messages = error" -c "ANALYZE" || echo "restore.sh: ANALYZE failed; run it by hand, plans are poor without it" >&2
    found=$(ask -c "SELECT coalesce(string_agg(version_num, ' ' ORDER BY version_num), 'base') FROM $version_table" \
        2>/dev/null) || found='base (no version table)'
    echo "Restored: $holds, counted. Alembic is at $found (expected: $heads)."
    echo "See for yourself: SELECT * FROM $version_table;  and the counts under \"rows\" in $backup/backup.json"
}

compare() { # whether what is not in the backup counts, kinds that do not; ends with 5 when something differs
    without=$2
    # Another major version prints queries differently, and may know more privileges (MAINTAIN since 17).
    [ "$(field 1)" = "$server" ] || without="$without|access|view|materialized view|rule"
    catalog_sql | ask -v additions="$1" -v without="$without" >"$work/differences" ||
        fail 5 "the objects could not be compared; rows are counted" "Compare with $backup/catalog.copy."
    [ -s "$work/differences" ] || { echo "Compared: $(wc -l <"$backup/catalog.copy" | tr -d ' ') objects, equal."; return; }
    sed -n '1,20s/^/  /p' "$work/differences" >&2
    fail 5 "restored and counted, but $(wc -l <"$work/differences" | tr -d ' ') objects differ from the backup (above)" \
        "All are in $backup/catalog.copy: kind, name and definition, as they were."
}

elsewhere() { # the connection, to another database
    case $target in
    *://*) printf '%s\n' "$target" | sed "s#^\([a-z]*://[^/?]*\)\(/[^?]*\)\{0,1\}#\1/$1#" ;;
    *=*) printf '%s\n' "$target dbname=$1" ;;
    *) printf '%s\n' "$1" ;;
    esac
}

if [ -n "$new" ]; then
    confirm "$new"
    # Encoding and collation as in the database connected to: pg_dump does not say them without --create.
    {
        ask -c "SELECT pg_catalog.format('CREATE DATABASE %I TEMPLATE template0 ENCODING %L LC_COLLATE %L LC_CTYPE %L',
        '$new', pg_catalog.pg_encoding_to_char(encoding), datcollate, datctype)
        || CASE to_jsonb(d) ->> 'datlocprovider'
             WHEN 'i' THEN pg_catalog.format(' LOCALE_PROVIDER icu ICU_LOCALE %L',
                                  coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale'))
             WHEN 'b' THEN pg_catalog.format(' LOCALE_PROVIDER builtin BUILTIN_LOCALE %L', to_jsonb(d) ->> 'datlocale')
             ELSE '' END
        FROM pg_catalog.pg_database d WHERE datname = current_database()" >"$work/create.sql" &&
            ask -f "$work/create.sql"
    } || fail 3 "the database $new could not be made" \
        "It may exist already, or the role lacks CREATEDB; drop it, name another, or grant it."
    at=$(elsewhere "$new")
    into_new ||
        fail 3 "pg_restore failed; $now is as it was, $new is incomplete" "DROP DATABASE \"$new\"; and try again."
    { objects_sql; count_sql; echo 'SELECT pg_temp.migsafe_count();'; } | ask -v drop_new=off >/dev/null ||
        fail 3 "$new is not what the backup holds; $now is as it was" "DROP DATABASE \"$new\"; and try again."
    conclude
    echo "To put it in the place of $now, with nobody connected to either (from the database postgres):"
    echo "  ALTER DATABASE \"$now\" RENAME TO \"${now}_before_restore\";  ALTER DATABASE \"$new\" RENAME TO \"$now\";"
    echo "Grants on the database itself and ALTER DATABASE … SET are not in a dump: repeat them."
    compare on ''
    exit 0
fi

{ echo 'BEGIN;'; objects_sql; cat <<'MIGSAFE_SQL'; } | ask -v drop_new="$drop_new" >"$work/objects"
SELECT pg_catalog.concat('owner|', kind, ' ', label) FROM pg_temp.migsafe_present
 WHERE origin <> 'neither' AND NOT mine ORDER BY 1;
SELECT pg_catalog.concat(origin, '|', kind, ' ', label) FROM pg_temp.migsafe_present
 WHERE origin <> 'backup' ORDER BY 1;
SELECT 'schemas|theirs' WHERE EXISTS (
    SELECT FROM pg_catalog.pg_namespace n JOIN pg_temp.migsafe_names o ON o.kind = 'schema' AND o.name = n.nspname
     WHERE NOT pg_catalog.pg_has_role(n.nspowner, 'USAGE'));
ROLLBACK;
MIGSAFE_SQL
said() { sed -n "s/^$1|//p" "$work/objects"; }
if [ -n "$(said owner)" ]; then
    said owner | sed -n '1,10s/^/  /p' >&2
    fail 1 "this role does not own what has to be replaced (above); nothing was changed" \
        "Connect as the owner or as a superuser."
fi
if [ -n "$(said plan)$(said new)" ]; then
    echo "Dropped because the backup does not have it:"
    { said plan; said new; } | sed 's/^/  /'
fi >&2
if [ -n "$(said neither)" ]; then
    echo "Neither in the backup nor made by the migration; stays (--drop-new drops it too):"
    said neither | sed 's/^/  /'
fi >&2
confirm "$now"

# Extensions and schemas stay: who may restore tables often may not create them, and others may use them.
# A subscription cannot be dropped inside a transaction.
awk -v schemas="$(said schemas)" '
    /^;/ || $4 == "SCHEMA" || $4 == "EXTENSION" || $4 == "SUBSCRIPTION" { next }
    $4 == "COMMENT" && $5 == "-" && ($6 == "EXTENSION" || $6 == "SUBSCRIPTION") { next }
    schemas != "" && ($4 == "COMMENT" || $4 == "ACL") && $5 == "-" && $6 == "SCHEMA" { next }
    { print }' "$work/toc" >"$work/rest"

# pg_restore writes COMMIT after all else. Whenever it stops before that, or a statement fails, psql ends without a
# commit and the server rolls everything back; the last SELECT finds its table only when it was committed.
restored() {
    echo 'BEGIN;'
    objects_sql
    drop_sql
    count_sql
    "$pg_restore" --single-transaction --clean --if-exists --use-list "$work/rest" --file - "$backup" |
        LC_ALL=C sed '1,/^BEGIN;$/{ /^BEGIN;$/d; }' | known_settings
    echo 'SET client_min_messages = error; ROLLBACK;'
    echo "SELECT 'restored' FROM pg_temp.migsafe_restored;"
}
restored | ask -v drop_new="$drop_new" -v lock_timeout="${lock_timeout}s" >"$work/said" || true
[ "$(sed -n '$p' "$work/said")" = restored ] || fail 3 "the restore failed and was rolled back: $now is as it was" \
    "Read the error above. Others in the way: stop the application, or --lock-timeout. Objects in the way: --drop-new. Otherwise: --new-database ${now}_restored."
conclude
compare off extension
