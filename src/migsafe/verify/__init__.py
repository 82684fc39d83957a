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


def verify(
    connection: Connection, plan: Plan, catalog: Catalog, proofs: tuple[Proof, ...] | None = None
) -> tuple[CheckResult, ...]:
    """One result a proof of `plan`, then one `unknown` for each statement of which nothing can be derived.

    `catalog` is the schema before the plan; `proofs` those of `derive()` where they are at hand. Each query runs in a
    read-only transaction with row security off and 30 s at most; whatever goes wrong is a result and is not raised.
    """
    proofs = derive(plan, catalog) if proofs is None else proofs
    return (*(_result(connection, proof) for proof in proofs), *unproven(plan))


def _result(connection: Connection, proof: Proof) -> CheckResult:
    answer = ask(connection, proof.sql, proof.grant, first=proof.first)
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
