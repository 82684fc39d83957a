"""`downgrade.sql`: the revisions' own downgrade(), statement by statement, for psql."""

import textwrap
from collections.abc import Iterator, Mapping
from itertools import groupby

from migsafe.model.plan import Plan, Step
from migsafe.model.report import Loss
from migsafe.model.statement import Statement
from migsafe.sql.quote import identifier, literal
from migsafe.undo.versions import Heads, moves, shown

_HEAD = """\
-- The way back from {current} to {target}, as the revisions' own downgrade() has it.
--
-- Run it with the connection from the environment (PGHOST, PGUSER, PGDATABASE, ~/.pgpass or a service):
--   psql -X -f downgrade.sql
-- It stops at the first error. Each step is a transaction; run it again to go on where it stopped.
-- Steps wait for locks for 5 s at most: psql -X -v lock_timeout=30s -f downgrade.sql
--
{losses}
--
-- What the upgrade destroyed is in saved/, where it was saved: migsafe restore RUN. The whole of before is in the
-- backup, if one was taken: restore.sh.

\\set ON_ERROR_STOP on
\\set ON_ERROR_ROLLBACK off
\\set AUTOCOMMIT on
\\set QUIET on
\\if :{{?lock_timeout}}
\\else
\\set lock_timeout 5s
\\endif
SET client_min_messages = warning;
SET statement_timeout = 0;
SET search_path = {search_path};

-- Only a database that is where this script begins, or between its steps.
DO $migsafe$
DECLARE found text;
BEGIN
    IF to_regclass({regclass}) IS NULL THEN
        RAISE EXCEPTION 'there is no version table % here', {regclass}
            USING HINT = 'Is this the right database? Set PGDATABASE.';
    END IF;
    found := ({heads});
    IF found NOT IN ({states}) THEN
        RAISE EXCEPTION 'the database is at revision %, and this script goes back from {current_text}', found
            USING HINT = 'Nothing was changed. Is this the right database, and the right run?';
    END IF;
END
$migsafe$;
"""

_STEP = """
-- {title}
{heads} \\gset
SELECT :'migsafe_found' = {before} AS migsafe_here \\gset
\\if :migsafe_here
\\echo {echo}
{body}
\\endif
"""

_STOP = """\
DO $migsafe$ BEGIN
    RAISE EXCEPTION {message} USING HINT = 'The steps before it are undone. Use restore.sh, or undo this one by hand.';
END $migsafe$;"""


def script(
    downgrade: Plan,
    states: Mapping[str, tuple[Heads, Heads]],
    lost: tuple[Loss, ...],
    impossible: Mapping[str, str],
    search_path: tuple[str, ...],
) -> str:
    """The text of downgrade.sql. `states` are the heads before and after each revision's upgrade."""
    table = ".".join(identifier(part) for part in downgrade.version_table.split(".", 1))
    ids = "string_agg(version_num, ' ' ORDER BY version_num COLLATE \"C\")"
    heads = f"SELECT coalesce({ids}, 'base') AS migsafe_found FROM {table}"
    begins = [shown(states[step.revision][1]) for step in downgrade.steps]
    head = _HEAD.format(
        current=_line(shown(frozenset(downgrade.current))),
        target=_line(shown(frozenset(downgrade.target))),
        losses="\n".join(_comment(text) for text in _warnings(lost, impossible)),
        search_path=", ".join(map(identifier, search_path)) or "''",
        regclass=literal(table),
        heads=heads,
        states=", ".join(map(literal, begins)) or "''",
        current_text=_line(shown(frozenset(downgrade.current))).replace("'", "''").replace("%", "%%"),
    )
    steps = (
        _STEP.format(
            title=_title(step),
            heads=heads,
            before=literal(shown(states[step.revision][1])),
            echo=_argument(f"undoing {_title(step)}"),
            body=_body(step, states[step.revision], table, impossible.get(step.revision)),
        )
        for step in downgrade.steps
    )
    return head + "".join(steps)


def _warnings(lost: tuple[Loss, ...], impossible: Mapping[str, str]) -> Iterator[str]:
    for revision, reason in impossible.items():
        yield f"STOPS at revision {revision}: {reason}."
    if not lost:
        yield "It loses no data, as far as can be told from the statements."
    for number, loss in enumerate(lost, 1):
        yield f"LOSS {number}: {loss.what} (revision {loss.revision}): {loss.because}."


def _body(step: Step, states: tuple[Heads, Heads], table: str, reason: str | None) -> str:
    if reason is not None:
        return _STOP.format(message=literal(f"revision {step.revision} has no way back: {reason}".replace("%", "%%")))
    before, after = states
    bare = table.rpartition(".")[2].strip('"')
    moved = any(w.relation.rpartition(".")[2] == bare for s in step.statements for w in s.effects.writes)
    last = () if moved else moves(table, after, before)
    return "\n".join(_blocks(step.statements, last))


def _blocks(statements: tuple[Statement, ...], moves: tuple[str, ...]) -> Iterator[str]:
    groups = [(ordinal, tuple(group)) for ordinal, group in groupby(statements, key=lambda each: each.transaction)]
    if not groups or groups[-1][0] is None:
        groups.append((0, ()))
    for index, (ordinal, group) in enumerate(groups):
        written = [f"-- {_line(each.place)}\n{_terminated(each.sql)}" for each in group]
        if ordinal is None:
            # CONCURRENTLY under lock_timeout leaves an invalid index behind.
            yield "\n".join(["SET lock_timeout = 0;", *written])
            continue
        last = [f"{move};" for move in moves] if index == len(groups) - 1 else []
        yield "\n".join(["BEGIN;", "SET LOCAL lock_timeout = :'lock_timeout';", *written, *last, "COMMIT;"])


def _terminated(sql: str) -> str:
    """With its semicolon on a line of its own where a comment may be on the last one."""
    text = sql.strip().rstrip(";").rstrip()
    return f"{text}\n;" if "--" in text.rsplit("\n", 1)[-1] else f"{text};"


def _title(step: Step) -> str:
    goes = f"revision {step.revision} -> {', '.join(step.down_revisions) or 'base'}"
    return _line(f"{goes}: {step.doc}" if step.doc else goes)


def _comment(text: str) -> str:
    return textwrap.fill(_line(text), width=116, initial_indent="-- ", subsequent_indent="--   ")


def _line(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)


def _argument(text: str) -> str:
    """An argument of a psql meta-command: C escapes work in single quotes (psql's manual, Meta-Commands)."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
