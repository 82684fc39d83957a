"""Whether the server answers a query with an index, and in time: an index that is there is not yet one that is used."""

from migsafe.model.checks import Status
from migsafe.model.declared import Declared
from migsafe.own_checks.expected import expectation
from migsafe.own_checks.found import shortened
from migsafe.postgres.answer import Answer, Connection, ask
from migsafe.postgres.plan import Explained, explain
from migsafe.sql.quote import literal
from migsafe.verify.finding import Finding, judged, unanswered
from migsafe.verify.proof import fill

# Below it a sequential scan is what the planner should choose; the index is not at fault.
_FEW = 10_000
_RUNS = 3


def index_use_of(connection: Connection, check: Declared) -> Finding:
    """Judge the query by the plan that it runs with. The best of three runs counts: the first one fills the cache."""
    found = explain(connection, check.sql, check.timeout)
    if isinstance(found, Answer):
        return unanswered(check, found)
    if not _uses(found, check.subject):
        return _passed_over(connection, check, found)
    best = _best(connection, check, found)
    if isinstance(best, Answer):
        return unanswered(check, best)
    took = f"{check.subject} in {best.milliseconds:.1f} ms"
    evidence = {"milliseconds": f"{best.milliseconds:.1f}", "blocks_read_first": str(found.blocks_read)}
    time, remedy = ((best.milliseconds,),), f"See where the time goes: EXPLAIN (ANALYZE, BUFFERS) {check.sql}"
    if check.expect and not expectation(check.expect).holds(time):
        return judged("blocked", check, f"{check.subject} {check.expect} ms", took, remedy, evidence)
    if check.warn and not expectation(check.warn).holds(time):
        return judged("warned", check, f"{check.subject} {check.warn} ms", took, remedy, evidence)
    return judged("passed", check, f"{check.subject} {check.expect}".strip(), took, None, evidence)


def _best(connection: Connection, check: Declared, first: Explained) -> Explained | Answer:
    """Again only for as long as the first run is too slow: a query that is not judged by time runs once."""
    best, bounds = first, [each for each in (check.expect, check.warn) if each]
    for _ in range(_RUNS - 1):
        if all(expectation(bound).holds(((best.milliseconds,),)) for bound in bounds):
            break
        again = explain(connection, check.sql, check.timeout)
        if isinstance(again, Answer):
            return again
        best = min(best, again, key=lambda each: each.milliseconds)
    return best


def _uses(plan: Explained, index: str) -> bool:
    bare = index.rpartition(".")[2].strip('"')
    return any(node.index == bare for node in plan.nodes)


def _passed_over(connection: Connection, check: Declared, found: Explained) -> Finding:
    """The planner took another way: there is no such index, or it cannot be used, or it is dearer."""
    bare = check.subject.rpartition(".")[2].strip('"')
    answer = ask(connection, fill("declared_index", written=literal(check.subject), bare=literal(bare)))
    expected = f"the index {check.subject}"
    if answer.error is not None:
        return unanswered(check, answer)
    if not answer.rows:
        return judged("blocked", check, expected, "no such index", "Create it, or mend its name in verify().")
    valid, table, rows = answer.rows[0]
    if not valid:
        remedy = f"REINDEX INDEX CONCURRENTLY {check.subject};"
        return judged("blocked", check, expected, "an invalid index, which no query uses", remedy)
    way = next((f"{node.kind} on {node.relation}" for node in found.nodes if node.relation), found.nodes[0].kind)
    forced = explain(connection, check.sql, check.timeout, planner_may="enable_seqscan")
    if isinstance(forced, Answer) or not _uses(forced, check.subject):
        remedy = "Compare operator class, expression and ORDER BY of the query with those of the index."
        return judged("blocked", check, expected, f"{way}; the query cannot use it", remedy)
    costs = f"{way} at cost {found.cost:,.0f}, the index at {forced.cost:,.0f}"
    status: Status = "warned" if 0 <= rows < _FEW else "blocked"
    small = f"; {table} has about {max(rows, 0):,.0f} rows" if rows >= 0 else f"; {table} was never analyzed"
    return judged(status, check, expected, costs + small, f"ANALYZE {table}; then look again: {shortened(check.sql)}")
