"""What real servers did, statement by statement (PostgreSQL 14 to 18), and what is predicted of it."""

from typing import Any

import pytest

from fix_cases import DISAGREEMENTS, VERSIONS, cases, recorded, schema, scored, words_of
from migsafe.model.catalog import Catalog
from migsafe.sql.predict import predict


@pytest.mark.parametrize("version", VERSIONS)
def test_what_is_predicted_is_what_servers_did(version: int) -> None:
    wrong: dict[str, Any] = {}
    for case in cases(version):
        effects = predict(case["statement"], schema(case["setup_sql"], version), version)
        expected, found = scored(case, recorded(case)), scored(case, words_of(effects))
        if found != expected or effects.unknown:
            wrong[case["id"]] = {"statement": case["statement"], "observed": expected, "predicted": found}
    known = {name for name, of in DISAGREEMENTS if of == version}
    assert not {name: case for name, case in wrong.items() if name not in known}
    assert known <= set(wrong), "these are right now: take them out of DISAGREEMENTS"


def test_there_are_hundreds_of_cases() -> None:
    assert len(cases(18)) >= 480
    assert len(cases(14)) >= 440


def test_a_text_cut_or_doubled_anywhere_never_raises() -> None:
    for case in cases(18)[::5]:
        statement, catalog = case["statement"], schema(case["setup_sql"], 18)
        for cut in range(0, len(statement), 7):
            for broken in (statement[:cut], statement[cut:], statement[:cut] + "\0'" + statement[cut:]):
                effects = predict(broken, catalog)
                assert effects.unknown or effects.command


def test_every_statement_says_something_without_any_schema() -> None:
    for case in cases(18):
        effects = predict(case["statement"], Catalog())
        assert effects.command
        if effects.unknown:
            assert effects.unknown.strip()
