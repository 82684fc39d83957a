"""Writes a downgrade() into the file of a revision that has none, an empty one, or one that raises."""

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import Any

import libcst as cst

from migsafe.errors import RevisionError
from migsafe.model.inverse import Command
from migsafe.model.rewrite import AUTOCOMMIT_BLOCK
from migsafe.revisions.edit_block import is_docstring

Operation = tuple[str, tuple[str, ...], tuple[tuple[str, Any], ...]]
Spelling = Callable[[str], Operation | None]

# What SQLAlchemy takes for a parameter in a text (sqlalchemy/sql/elements.py, TextClause).
_PARAMETER = re.compile(r"(?<![:\w\\]):(?=\w+(?!:))")


def with_downgrade(content: bytes, commands: Iterable[Command], notes: Iterable[str], spelling: Spelling) -> bytes:
    """`content` with a downgrade() that sends `commands`, in place of the one that is there; its docstring stays.

    `spelling` finds the operation of Alembic's for a statement; `notes` become comments. Raises RevisionError for a
    file that is no Python.
    """
    try:
        module = cst.parse_module(content)
    except cst.ParserSyntaxError as error:
        raise RevisionError(f"the file is no valid Python: {error.message}", None) from None
    written = cst.parse_module(_function(tuple(commands), tuple(notes), spelling, own_import=not _has_op(module)))
    function = cst.ensure_type(written.body[0], cst.FunctionDef)
    places = [number for number, item in enumerate(module.body) if _is_downgrade(item)]
    body = list(module.body)
    if places:
        old = cst.ensure_type(body[places[-1]], cst.FunctionDef)
        body[places[-1]] = _replaced(old, function)
    else:
        empty = [cst.EmptyLine(indent=False), cst.EmptyLine(indent=False)]
        body.append(function.with_changes(leading_lines=empty))
    return module.with_changes(body=body).bytes


def _is_downgrade(item: cst.CSTNode) -> bool:
    return isinstance(item, cst.FunctionDef) and item.name.value == "downgrade"


def _replaced(old: cst.FunctionDef, new: cst.FunctionDef) -> cst.FunctionDef:
    kept = [item for item in old.body.body[:1] if isinstance(item, cst.BaseStatement) and is_docstring(item)]
    block = cst.ensure_type(new.body, cst.IndentedBlock)
    return old.with_changes(body=block.with_changes(body=[*kept, *block.body]))


def _has_op(module: cst.Module) -> bool:
    return bool(re.search(r"^(from alembic import .*\bop\b|import alembic\.op)", module.code, re.MULTILINE))


def _function(commands: tuple[Command, ...], notes: tuple[str, ...], spelling: Spelling, *, own_import: bool) -> str:
    lines = ["def downgrade() -> None:"]
    lines += [f"    # {' '.join(note.split())}" for note in notes]
    if own_import:
        lines += ["    from alembic import op", ""]
    lines += _body(commands, spelling)
    return "\n".join(lines if commands else [*lines, "    pass"]) + "\n"


def _body(commands: tuple[Command, ...], spelling: Spelling) -> Iterator[str]:
    for apart, group in groupby(commands, key=lambda command: command.apart):
        if apart:
            yield f"    {AUTOCOMMIT_BLOCK}"
        for command in group:
            yield ("        " if apart else "    ") + _line(command.sql, spelling)


def _line(sql: str, spelling: Spelling) -> str:
    operation = spelling(sql)
    if operation is None:
        return f"op.execute({_text(_PARAMETER.sub(lambda _: chr(92) + ':', sql))})"
    name, arguments, keywords = operation
    given = [*map(_quoted, arguments), *(f"{key}={_value(value)}" for key, value in keywords)]
    return f"op.{name}({', '.join(given)})"


def _value(value: Any) -> str:
    return _quoted(value) if isinstance(value, str) else repr(value)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _text(sql: str) -> str:
    """A statement as a string of Python: of several lines in triple quotes."""
    if "\n" not in sql:
        return _quoted(sql)
    escaped = sql.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    ending = "\\" if escaped.endswith('"') else ""
    return f'"""{escaped[:-1] + ending + escaped[-1] if ending else escaped}"""'
