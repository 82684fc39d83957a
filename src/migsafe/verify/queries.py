"""Proofs that a plan arrived, derived from what its statements together do to the schema."""

import re

import msgspec

from migsafe.model.catalog import Catalog, Column, Constraint, Index, Relation
from migsafe.model.checks import CheckResult
from migsafe.model.effects import Object
from migsafe.model.locks import LockMode
from migsafe.model.plan import Plan
from migsafe.model.statement import Statement
from migsafe.sql.operators import come_and_gone
from migsafe.sql.quote import literal, qualified
from migsafe.verify import filled, kept, objects, sameness
from migsafe.verify.baseline import Baseline
from migsafe.verify.doubts import about, doubted, doubts_of, reaches_unseen, spot, which
from migsafe.verify.net import Outcome, Touch, find, net, touched_by
from migsafe.verify.proof import Proof, array, bare, fill, schema_of
from migsafe.verify.stated import Stated, stated

GROUP = "verify"

_DEFINES = ("CREATE ", "ALTER ", "SECURITY LABEL", "COMMENT", "GRANT", "REVOKE")
# With IF NOT EXISTS they may have found that there is nothing to do.
_NOTHING_TO_DO = tuple(
    f"CREATE {word}" for word in ("TABLE", "INDEX", "VIEW", "MATERIALIZED VIEW", "SEQUENCE", "STATISTICS", "EXTENSION")
)

_INDEXED = ("table", "materialized view")


def derive(plan: Plan, catalog: Catalog, baseline: Baseline | None = None) -> tuple[Proof, ...]:
    """What must be true once `plan` is done; `catalog` is the schema before it, `baseline` what else was there.

    Proofs are of the net effect, in the order in which the statements touched their subjects last; the version table
    comes at the end. Statements that `unproven()` names are in none of them.
    """
    outcomes, final = net(plan, catalog)
    doubts = doubts_of(plan)
    said = stated(plan)
    version = plan.server_version or catalog.server_version
    shown = [each for each in outcomes if not _is_said_elsewhere(each, final, version) or each.object in said]
    touched = {each.object for each in shown}
    left = {thing: each for thing, each in said.items() if thing not in touched and not _is_gone(thing, each, final)}
    shown += [_only_stated(thing, each, final) for thing, each in left.items()]
    proofs = [
        _unless_renamed(proof, plan, outcome.touch.position)
        for outcome in sorted(shown, key=lambda each: each.touch.position)
        if (proof := _proof(outcome, final, which(doubts, outcome), _values(said, outcome.object))) is not None
    ]
    own = tuple(proof.subject for proof in proofs if proof.kind == "index")
    tables = _tables(plan, outcomes, final)
    proofs += [_no_invalid_index(table, own) for table in tables]
    proofs += [*filled.statistics(plan, final), *filled.sequences(plan, outcomes, catalog, final)]
    if baseline is not None:
        kept_ = kept.proofs(plan, catalog, final, baseline, said)
        proofs += [doubted(proof, about(doubts, proof.subject.rpartition(" ")[2], -1)) for proof in kept_]
    proofs += [filled.leftovers(plan, tables, catalog, final)] if tables else []
    return (*proofs, _version_table(plan))


def _only_stated(thing: Object, said: Stated, final: Catalog) -> Outcome:
    """An object of which the plan sets attributes, and touches nothing else."""
    known = find(final, thing) if thing.kind in _WITH_EXPRESSIONS else None
    return Outcome(thing, True, Touch(said.position, said.statement, "alter", known, False), known)


# What statements set of them may be an expression: the base of a domain is needed to compare it.
_WITH_EXPRESSIONS = ("type",)


def _is_gone(thing: Object, each: Stated, final: Catalog) -> bool:
    """Whether it went with something else: a sequence with its column, a trigger with its table."""
    if thing.kind not in _FOUND or find(final, thing) is not None:
        return False
    return each.made or (final.complete and thing.kind in _COMPLETE)


_COMPLETE = ("relation", "index", "column", "constraint", "trigger", "rule", "policy")
_FOUND = (*_COMPLETE, "type", "statistics", "function", "publication")


def _values(said: dict[Object, Stated], thing: Object) -> dict[str, str | None]:
    return said[thing].values if thing in said else {}


def unproven(plan: Plan) -> tuple[CheckResult, ...]:
    """One `unknown` for each statement, and each unreadable revision, of which nothing (or not all) can be derived."""
    results = []
    for step in plan.steps:
        passing = come_and_gone(statement.sql for statement in step.statements)
        results += [
            _unknown(f"{spot(statement)}: {_start(statement)}", why)
            for number, statement in enumerate(step.statements)
            if number not in passing and (why := _why_not(statement)) is not None
        ]
        if step.read == "unreadable":
            why = step.unreadable or "the revision could not be read"
            results.append(_unknown(f"revision {step.revision} ({step.path}), what it could not read", why))
    return tuple(results)


def _why_not(statement: Statement) -> str | None:
    effects = statement.effects
    if effects.unknown is not None:
        return effects.unknown
    kinds = {touched.kind for touched, _ in touched_by(effects, Catalog())}
    if lost := sorted(kind for kind in kinds if not objects.is_looked_up(kind)):
        return f"{', '.join(lost)}: not looked up"
    if reaches_unseen(statement):
        return "what else the schema holds is not known"
    if (
        effects.nothing_to_do
        or effects.changes_schema
        or effects.attributes
        or effects.defines
        or effects.command.startswith(_NOTHING_TO_DO)
    ):
        return None
    return f"what {effects.command} changes is not looked up" if effects.command.startswith(_DEFINES) else None


def _unknown(subject: str, why: str) -> CheckResult:
    return CheckResult(
        check="derivable",
        group=GROUP,
        status="unknown",
        subject=subject,
        message=f"{subject}: nothing can be derived from it, so nothing proves that it did its work ({why}).",
        remedy="Look at the database, or say what must be true with op.verify(...) in the revision.",
    )


def _proof(outcome: Outcome, final: Catalog, doubts: tuple[str, ...], set_: dict[str, str | None]) -> Proof | None:
    touched = outcome.object
    if outcome.there:
        asked = objects.query_of(touched, outcome.thing, final, outcome.touch.whole, set_)
    elif objects.is_looked_up(touched.kind):
        asked = (objects.presence(touched, there=False), "gone", None)
    else:
        asked = None
    if asked is None:
        return None
    sql, expected, first = asked
    return Proof(
        name=f"{touched.kind.replace(' ', '-')}-{'there' if outcome.there else 'gone'}",
        kind=touched.kind,
        subject=touched.label,
        expected=expected,
        sql=sql,
        first=first,
        remedy=_remedy(outcome),
        grant=_grant(outcome),
        place=spot(outcome.touch.statement),
        doubts=doubts,
    )


def _unless_renamed(proof: Proof, plan: Plan, position: int) -> Proof:
    """Without the comparison of expressions that mention what a later statement has given another name."""
    first = proof.first
    if first is None:
        return proof
    later = (rename.old for each in plan.statements[position + 1 :] for rename in each.effects.renames)
    names = {bare(old.name).split("(", 1)[0] for old in later}
    written = sameness.written_in(first)
    if not any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", written) for name in names):
        return proof
    expected = f"{proof.expected} (its expressions are not compared: something in them has another name now)"
    return msgspec.structs.replace(proof, first=None, expected=expected, sql=sameness.left_out(proof.sql))


def _remedy(outcome: Outcome) -> str:
    thing = outcome.thing
    if isinstance(thing, Index):
        return (
            f"See the index with \\d {qualified(thing.relation)} in psql. If it is invalid: "
            f"DROP INDEX CONCURRENTLY {qualified(thing.name)}; then mend the rows and build it again."
        )
    if isinstance(thing, Constraint) and thing.validated:
        return f"See \\d {qualified(thing.relation)} in psql; a constraint that is NOT VALID needs VALIDATE CONSTRAINT."
    if isinstance(thing, Relation) or outcome.object.of:
        return f"See \\d {qualified(outcome.object.of or outcome.object.name)} in psql."
    return "Paste the query into psql and compare."


def _grant(outcome: Outcome) -> str | None:
    """Names of types and functions are looked up by the server's own rules, which ask for USAGE; a query is planned."""
    uses = getattr(outcome.thing, "uses", ())
    if uses and outcome.object.kind in ("relation", "policy"):
        return f"GRANT SELECT ON {', '.join(qualified(use.relation) for use in uses)} TO {{role}};"
    type_name = getattr(outcome.thing, "type", None) or getattr(outcome.thing, "base", None) or outcome.object.name
    if outcome.object.kind not in ("column", "type", "function") or "." not in type_name:
        return None
    schema = type_name.split(".", 1)[0]
    return f"GRANT USAGE ON SCHEMA {schema} TO {{role}};"


def _is_said_elsewhere(outcome: Outcome, final: Catalog, version: int) -> bool:
    """Whether another proof looks at it too.

    The index of a constraint is looked at with it, a NOT NULL with its column, a part of a partitioned index with the
    whole. Before PostgreSQL 18 a NOT NULL is not in pg_constraint (release notes of 18, E.4.3.4). A partitioned index
    is valid only when all its parts are (manual, section 5.12.2.1).
    """
    thing = outcome.thing or outcome.touch.thing
    created = outcome.there and outcome.touch.by == "create"
    match thing:
        case Index():
            constraints = final.constraints.get(thing.relation, {}).values()
            return (created and thing.parent is not None) or any(known.index == thing.name for known in constraints)
        case Constraint(kind="not null"):
            return version < 18 or not outcome.there or (created and thing.validated)
        case Constraint():
            return created and thing.inherited
        case Relation(kind="composite type"):
            return True
        case Column():
            relation = final.relations.get(thing.relation)
            return relation is not None and "view" in relation.kind and not isinstance(thing.default, str)
    return False


def _tables(plan: Plan, outcomes: tuple[Outcome, ...], final: Catalog) -> tuple[str, ...]:
    """Tables at the end of which the plan changed something, or which it locked against writes or other DDL."""
    strong = LockMode.SHARE_UPDATE_EXCLUSIVE.strength
    touched = [outcome.object.of or outcome.object.name for outcome in outcomes if outcome.there]
    touched += [outcome.thing.relation for outcome in outcomes if isinstance(outcome.thing, Index) and outcome.there]
    touched += [
        lock.relation
        for statement in plan.statements
        for lock in statement.effects.locks
        if lock.kind in _INDEXED and lock.mode.strength >= strong
    ]
    known = (final.relations.get(name) for name in dict.fromkeys(touched))
    return tuple(r.name for r in known if r and r.kind in _INDEXED and r.persistence != "temporary")


def _no_invalid_index(table: str, own: tuple[str, ...]) -> Proof:
    return Proof(
        name="no-invalid-index",
        kind="table",
        subject=table,
        expected="no invalid index" + (", besides those asked for above" if own else ""),
        sql=fill("verify_no_invalid_index", schema=schema_of(table), relation=literal(bare(table)), others=array(own)),
        remedy="DROP INDEX CONCURRENTLY the invalid index, then build it again if it is wanted.",
        grant="GRANT pg_read_all_stats TO {role};",
    )


def _version_table(plan: Plan) -> Proof:
    heads = tuple(sorted(plan.target))
    table = qualified(plan.version_table)
    schema = f"GRANT USAGE ON SCHEMA {table.split('.', 1)[0]} TO {{role}}; " if "." in plan.version_table else ""
    return Proof(
        name="version-table",
        kind="version table",
        subject=plan.version_table,
        expected=f"holds {', '.join(heads)} and nothing else" if heads else "is empty (base)",
        sql=fill("verify_version_table", heads=array(heads), table=table),
        remedy="`migsafe current` shows where Alembic stands; the same `migsafe upgrade` carries on from there.",
        grant=f"{schema}GRANT SELECT ON {table} TO {{role}};",
    )


def _start(statement: Statement) -> str:
    words = " ".join(statement.sql.split())
    return words if len(words) <= 60 else words[:57] + "…"
