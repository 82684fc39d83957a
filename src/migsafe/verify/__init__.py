"""Did the migration arrive? Proofs derived from the plan, asked of the server."""

from migsafe.model.catalog import Catalog
from migsafe.model.checks import CheckResult, Status
from migsafe.model.declared import Declared
from migsafe.model.plan import Plan
from migsafe.postgres.answer import Answer, Connection, ask
from migsafe.verify.baseline import Baseline, take
from migsafe.verify.declared import declared_in_file, run_declared
from migsafe.verify.proof import Proof
from migsafe.verify.queries import GROUP, derive, unproven
from migsafe.verify.script import write
from migsafe.verify.settled import settled

__all__ = [
    "verify",
    "Proof",
    "derive",
    "unproven",
    "write",
    "Baseline",
    "take",
    "settled",
    "Declared",
    "run_declared",
    "declared_in_file",
]

_NO_SUCH_TABLE = "42P01"
_BATCH = 40


def verify(
    connection: Connection, plan: Plan, catalog: Catalog, proofs: tuple[Proof, ...] | None = None
) -> tuple[CheckResult, ...]:
    """One result a proof of `plan`, then one `unknown` for each statement of which nothing can be derived.

    `catalog` is the schema before the plan; `proofs` those of `derive()` where they are at hand. Each query runs in a
    read-only transaction with row security off and 30 s at most; whatever goes wrong is a result and is not raised.
    """
    proofs = derive(plan, catalog) if proofs is None else proofs
    answers = _together(connection, proofs)
    return (
        *(_result(connection, proof, answers.get(number)) for number, proof in enumerate(proofs)),
        *unproven(plan),
    )


def _together(connection: Connection, proofs: tuple[Proof, ...]) -> dict[int, Answer]:
    """Answers by number of those that can be had many at once: a history has hundreds of proofs.

    Where one of them fails all of its batch are left out, and asked alone.
    """
    alike = [(number, proof.sql) for number, proof in enumerate(proofs) if proof.first is None]
    found: dict[int, Answer] = {}
    for start in range(0, len(alike), _BATCH):
        batch = alike[start : start + _BATCH]
        each = (f"SELECT {number} AS n, p.* FROM (\n{sql}\n) AS p (ok, found)" for number, sql in batch)
        together = "\nUNION ALL ".join(each)
        answer = ask(connection, together, at_most=len(batch) + 1) if len(batch) > 1 else Answer()
        if len(answer.rows) == len(batch):
            found |= {number: Answer(rows=((ok, text),)) for number, ok, text in answer.rows}
    return found


def _result(connection: Connection, proof: Proof, answer: Answer | None) -> CheckResult:
    answer = answer or ask(connection, proof.sql, proof.grant, first=proof.first)
    if answer.error is not None:
        return _unanswered(proof, answer)
    ok, found = answer.rows[0]
    evidence = {"expected": proof.expected, "found": found}
    if ok:
        return _checked(proof, "passed", proof.sentence, evidence=evidence)
    touched = f" Touched last at {proof.place}." if proof.place else ""
    difference = f"{proof.kind} {proof.subject}: expected {proof.expected}; found {found}."
    if ok is None:
        return _checked(
            proof, "unknown", f"{difference} It cannot be told which.", _granted(proof, connection), evidence
        )
    if proof.doubts:
        who = f" {', '.join(proof.doubts)} came later, may have changed it, and could not be read: look."
        return _checked(proof, "unknown", difference + touched + who, proof.remedy, evidence)
    return _checked(proof, proof.severity, difference + touched, proof.remedy, evidence)


def _unanswered(proof: Proof, answer: Answer) -> CheckResult:
    evidence = {"expected": proof.expected}
    if answer.sqlstate == _NO_SUCH_TABLE and proof.name == "version-table":
        message = f"{proof.kind} {proof.subject}: expected that it {proof.expected}; found no such table."
        return _checked(proof, "blocked", message, proof.remedy, evidence)
    remedy = answer.remedy or "Paste the query into psql to see why."
    return _checked(proof, "unknown", f"{proof.sentence}: could not be asked: {answer.error}", remedy, evidence)


def _granted(proof: Proof, connection: Connection) -> str | None:
    return proof.grant.format(role=connection.info.user) if proof.grant else proof.remedy


def _checked(
    proof: Proof, status: Status, message: str, remedy: str | None = None, evidence: dict[str, str] | None = None
) -> CheckResult:
    return CheckResult(
        check=proof.name,
        group=GROUP,
        status=status,
        subject=proof.subject,
        message=message,
        remedy=remedy,
        evidence=evidence or {},
        sql=proof.sql,
    )
