"""Constraints: added, dropped, validated, altered."""

from collections.abc import Iterator

from migsafe.model.catalog import Constraint
from migsafe.model.effects import Object
from migsafe.model.inverse import Discard
from migsafe.sql.quote import identifier, qualified
from migsafe.undo.inverse.change import Change, Impossible, Lost, Phase, Piece, changed, gone, new
from migsafe.undo.inverse.spelled import settle

Found = Iterator[Piece | Lost | Discard | Impossible]

_ACTIONS = {"r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}
_KEYS = ("primary key", "unique", "exclude")


def invert(change: Change) -> Found:
    for constraint in new(change, Constraint):
        yield from _added(change, constraint)
    for constraint in gone(change, Constraint):
        yield from _dropped(change, constraint)
    for old, now in changed(change, Constraint):
        yield from _changed(change, old, now)
    for altered in change.effects.validates:
        yield from _validated_domain(change, altered)


def _added(change: Change, constraint: Constraint) -> Found:
    if not change.was_there(constraint.relation) or not set(constraint.columns) <= _columns(change, constraint):
        return
    if constraint.inherited or (constraint.kind == "not null" and _sets_not_null(change, constraint)):
        return
    if constraint.kind == "not null" and (known := _unproven(change, constraint)) is not None:
        yield from _unvalidated(change, known)
        return
    table = qualified(constraint.relation)
    yield Piece(f"ALTER TABLE {table} DROP CONSTRAINT {identifier(constraint.name)}", Phase.DROP, order=1)


def _unproven(change: Change, constraint: Constraint) -> Constraint | None:
    """SET NOT NULL validates a constraint that is there and NOT VALID, rather than add another one."""
    listed = change.before.constraints.get(constraint.relation, {}).values()
    same = (each for each in listed if each.kind == "not null" and each.columns == constraint.columns)
    return next((each for each in same if not each.validated), None)


def _columns(change: Change, constraint: Constraint) -> set[str]:
    """The columns that were there: what is on a new one goes with it."""
    return set(change.before.columns.get(constraint.relation, {}))


def _sets_not_null(change: Change, constraint: Constraint) -> bool:
    """Whether columns.py takes it back, by DROP NOT NULL."""
    before = change.before.columns.get(constraint.relation, {})
    after = change.after.columns.get(constraint.relation, {})
    return any(n in before and n in after and before[n].not_null != after[n].not_null for n in constraint.columns)


def _dropped(change: Change, constraint: Constraint) -> Found:
    relation = change.before.relations.get(constraint.relation)
    remade = not change.was_there(constraint.relation)
    column_gone = _columns(change, constraint) - set(change.after.columns.get(constraint.relation, {}))
    if relation is None or _from_parent(change, constraint):
        return
    if constraint.kind == "not null":
        if not remade and not column_gone & set(constraint.columns):
            yield from add(change, constraint)
        return
    in_table = remade and constraint.kind == "check" and constraint.validated and constraint.enforced
    if not in_table:
        yield from add(change, constraint)
    yield from _comment(change, constraint)


def _from_parent(change: Change, constraint: Constraint) -> bool:
    """A key of a partition comes with the parent's when it is attached; a check and an index have to be there first."""
    relation = change.before.relations.get(constraint.relation)
    if not constraint.inherited or relation is None:
        return False
    return constraint.kind == "foreign key" or not relation.bound or change.was_there(constraint.relation)


def _comment(change: Change, constraint: Constraint) -> Found:
    thing = Object("constraint", constraint.name, constraint.relation)
    if change.is_known(thing):
        yield from settle(change, thing, ("comment",))
    index = Object("index", constraint.index or "")
    if constraint.index:
        yield from settle(change, index, ("comment", "tablespace"))
        facts = change.facts(Object("table", constraint.relation))
        if facts.get("cluster") == constraint.name and change.was_there(constraint.relation):
            yield from settle(change, Object("table", constraint.relation), ("cluster",))
        quoted = f"USING INDEX {identifier(constraint.name)}"
        if facts.get("replica identity") == quoted and change.was_there(constraint.relation):
            yield from settle(change, Object("table", constraint.relation), ("replica identity",))


def add(change: Change, constraint: Constraint) -> Found:
    """ADD CONSTRAINT, as it was; a foreign key or a check of a table with rows NOT VALID, and validated apart."""
    text = constraint_text(change, constraint)
    if text is None:
        yield Impossible(f"the definition of constraint {constraint.name} on {constraint.relation} is not recorded")
        return
    alter = f"ALTER TABLE {qualified(constraint.relation)}"
    name = identifier(constraint.name)
    phase = Phase.REFERENCE if constraint.kind == "foreign key" else Phase.KEY
    late = constraint.kind in ("foreign key", "check", "not null")
    new_table = not change.was_there(constraint.relation)
    checked = late and constraint.validated and constraint.enforced and not new_table
    if checked and _may_be_late(change, constraint):
        yield Piece(f"{alter} ADD CONSTRAINT {name} {text} NOT VALID", phase)
        yield Piece(f"{alter} VALIDATE CONSTRAINT {name}", Phase.CHECK, apart=True)
    else:
        yield Piece(f"{alter} ADD CONSTRAINT {name} {text}", phase)
    if checked:
        found = _violations(change, constraint)
        yield Discard(f"violations:{constraint.relation}.{constraint.name}", found, blocks=True)


def _may_be_late(change: Change, constraint: Constraint) -> bool:
    """Whether NOT VALID and VALIDATE give what ADD alone gives.

    Before 18 NOT NULL is no constraint, no foreign key of a partitioned table can be NOT VALID, and of one that
    references a partitioned table, VALIDATE leaves the rows in pg_constraint for its partitions as they are (measured).
    """
    if change.before.server_version >= 18 or constraint.kind == "check":
        return True
    ends = (change.before.relations.get(name) for name in (constraint.relation, constraint.references or ""))
    partitioned = any(each is not None and each.kind == "partitioned table" for each in ends)
    return constraint.kind == "foreign key" and not partitioned


def _violations(change: Change, constraint: Constraint) -> str | None:
    table = qualified(constraint.relation)
    if constraint.references and not change.was_there(constraint.references):
        there = " AND ".join(f"{identifier(name)} IS NOT NULL" for name in constraint.columns)
        return f"SELECT count(*) FROM {table} WHERE {there}"
    if constraint.kind == "check" and constraint.expression:
        return f"SELECT count(*) FROM {table} WHERE NOT ({constraint.expression})"
    if constraint.kind == "not null":
        return f"SELECT count(*) FROM {table} WHERE {identifier(constraint.columns[0])} IS NULL"
    if constraint.kind == "foreign key" and constraint.references and constraint.match == "s":
        pairs = list(zip(constraint.columns, constraint.referenced_columns, strict=False))
        if len(pairs) == len(constraint.columns):
            joined = " AND ".join(f"theirs.{identifier(b)} = ours.{identifier(a)}" for a, b in pairs)
            there = " AND ".join(f"ours.{identifier(a)} IS NOT NULL" for a, _ in pairs)
            other = f"SELECT FROM {qualified(constraint.references)} theirs WHERE {joined}"
            return f"SELECT count(*) FROM {table} ours WHERE {there} AND NOT EXISTS ({other})"
    return None


def constraint_text(change: Change, constraint: Constraint) -> str | None:
    """What follows ADD CONSTRAINT and its name, without NOT VALID where it is valid; None: not known."""
    recorded = change.definition(Object("constraint", constraint.name, constraint.relation))
    if recorded is not None:
        return _with_options(change, constraint, recorded)
    if "definition" in change.facts(Object("constraint", constraint.name, constraint.relation)):
        return None
    return _with_options(change, constraint, written) if (written := _written(constraint)) else None


def _with_options(change: Change, constraint: Constraint, text: str) -> str:
    """pg_get_constraintdef() leaves the storage parameters of the index out."""
    recorded = change.facts(Object("index", constraint.index or "")).get("definition", "")
    parameters = recorded.rpartition(" WITH (")[2].partition(")")[0] if " WITH (" in recorded else ""
    if not parameters or constraint.kind not in _KEYS:
        return text
    head, deferrable, tail = text.partition(" DEFERRABLE")
    return f"{head} WITH ({parameters}){deferrable}{tail}"


def _written(constraint: Constraint) -> str | None:
    columns = ", ".join(map(identifier, constraint.columns))
    match constraint.kind:
        case "check":
            if constraint.expression is None:
                return None
            inherit = " NO INHERIT" if constraint.no_inherit else ""
            text = f"CHECK ({constraint.expression}){inherit}"
        case "primary key" | "unique":
            text = f"{constraint.kind.upper()} ({columns})"
        case "not null":
            text = f"NOT NULL {columns}" + (" NO INHERIT" if constraint.no_inherit else "")
        case "foreign key" if constraint.references:
            referenced = ", ".join(map(identifier, constraint.referenced_columns))
            text = f"FOREIGN KEY ({columns}) REFERENCES {qualified(constraint.references)}"
            text += f" ({referenced})" if referenced else ""
            text += " MATCH FULL" if constraint.match == "f" else ""
            text += f" ON UPDATE {_ACTIONS[constraint.on_update]}" if constraint.on_update in _ACTIONS else ""
            text += f" ON DELETE {_ACTIONS[constraint.on_delete]}" if constraint.on_delete in _ACTIONS else ""
        case _:
            return None
    text += " DEFERRABLE" if constraint.deferrable else ""
    text += " INITIALLY DEFERRED" if constraint.deferred else ""
    text += "" if constraint.enforced else " NOT ENFORCED"
    return text if constraint.validated or not constraint.enforced else f"{text} NOT VALID"


def _changed(change: Change, old: Constraint, now: Constraint) -> Found:
    if old.inherited or now.inherited or not set(old.columns) <= set(change.after.columns.get(old.relation, {})):
        return
    table, name = qualified(old.relation), identifier(old.name)
    deferred = (old.deferrable, old.deferred) != (now.deferrable, now.deferred)
    if deferred:
        said = "NOT DEFERRABLE" if not old.deferrable else "DEFERRABLE"
        said += " INITIALLY DEFERRED" if old.deferred else ""
        said += " INITIALLY IMMEDIATE" if old.deferrable and not old.deferred else ""
        yield Piece(f"ALTER TABLE {table} ALTER CONSTRAINT {name} {said}", Phase.CHANGE)
    if old.enforced != now.enforced and not old.enforced and old.kind == "foreign key":
        yield Piece(f"ALTER TABLE {table} ALTER CONSTRAINT {name} NOT ENFORCED", Phase.CHANGE)
    elif old.enforced != now.enforced:
        yield Impossible(
            f"the constraint {old.name} on {old.relation} was enforced, and cannot be made so in its place"
        )
    elif old.no_inherit != now.no_inherit and old.kind == "not null":
        yield Piece(
            f"ALTER TABLE {table} ALTER CONSTRAINT {name} {'NO ' if old.no_inherit else ''}INHERIT", Phase.CHANGE
        )
    elif old.validated != now.validated and not old.validated:
        yield from _unvalidated(change, old)


def _unvalidated(change: Change, old: Constraint) -> Found:
    """Nothing makes a valid constraint NOT VALID again: it is made anew, without a look at the rows."""
    table, name = qualified(old.relation), identifier(old.name)
    children = any(old.relation in relation.parents for relation in change.before.relations.values())
    if children and old.kind != "foreign key" and not old.no_inherit:
        yield Impossible(f"{old.name} on {old.relation} is valid on its children too, and cannot be made NOT VALID")
        return
    text = constraint_text(change, old)
    if text is None:
        yield Impossible(f"the definition of constraint {old.name} on {old.relation} is not recorded")
        return
    late = "" if text.endswith("NOT VALID") else " NOT VALID"
    yield Piece(f"ALTER TABLE {table} DROP CONSTRAINT {name}", Phase.CHANGE, 4)
    yield Piece(f"ALTER TABLE {table} ADD CONSTRAINT {name} {text}{late}", Phase.CHANGE, 5)
    yield from settle(change, Object("constraint", old.name, old.relation), ("comment",))


def _validated_domain(change: Change, validated: Object) -> Found:
    domain = change.before.types.get(validated.of or "")
    if domain is None or validated.name not in domain.unvalidated:
        return
    text = change.definition(Object("constraint", validated.name, validated.of))
    if text is None:
        yield Impossible(f"the definition of constraint {validated.name} of domain {validated.of} is not recorded")
        return
    name, own = qualified(validated.of or ""), identifier(validated.name)
    late = "" if text.endswith("NOT VALID") else " NOT VALID"
    yield Piece(f"ALTER DOMAIN {name} DROP CONSTRAINT {own}", Phase.CHANGE)
    yield Piece(f"ALTER DOMAIN {name} ADD CONSTRAINT {own} {text}{late}", Phase.CHANGE, 1)
