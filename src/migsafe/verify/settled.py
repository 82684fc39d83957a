"""What could not be compared with what was written is kept as the server printed it when the run ended."""

import msgspec

from migsafe.model.checks import CheckResult
from migsafe.sql.quote import literal
from migsafe.verify.proof import Proof, fill

_LEFT_OUT = "not compared"


def settled(proofs: tuple[Proof, ...], results: tuple[CheckResult, ...]) -> tuple[Proof, ...]:
    """A proof for each one of `proofs` that passed and says that it did not compare all: nothing has changed since.

    `results` are the answers to `proofs`, in their order. Asked later, in `migsafe verify last`: what was changed
    behind the back of the migrations is found also where nothing says how it should be.
    """
    return tuple(
        _as_found(proof, result.evidence["found"])
        for proof, result in zip(proofs, results, strict=False)
        if _LEFT_OUT in proof.expected and result.status == "passed" and "found" in result.evidence
    )


def _as_found(proof: Proof, found: str) -> Proof:
    return msgspec.structs.replace(
        proof,
        name=f"{proof.kind.replace(' ', '-')}-unchanged",
        expected=f"as it was when the run ended: {found}",
        sql=fill("verify_settled", found=literal(found), sql=proof.sql),
        first=None,
    )
