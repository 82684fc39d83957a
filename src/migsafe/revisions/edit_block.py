"""Bodies of upgrade() and downgrade(): their statements, their autocommit blocks, and the comments above both."""

from collections.abc import Sequence

import libcst as cst

from migsafe.model.rewrite import AUTOCOMMIT_BLOCK

_BLOCK = cst.ensure_type(cst.parse_statement(f"{AUTOCOMMIT_BLOCK}\n    pass\n"), cst.With)


def block(statements: Sequence[cst.BaseStatement]) -> cst.With:
    """The autocommit block around `statements`."""
    return _BLOCK.with_changes(body=cst.IndentedBlock(body=statements))


def is_block(item: cst.CSTNode) -> bool:
    """Whether it is an autocommit block, and nothing else."""
    return isinstance(item, cst.With) and len(item.items) == 1 and item.items[0].deep_equals(_BLOCK.items[0])


def body_of(module: cst.Module, name: str) -> Sequence[cst.BaseStatement]:
    """The statements of a function of the module; () when there is none of that name."""
    for each in module.body:
        if isinstance(each, cst.FunctionDef) and each.name.value == name and isinstance(each.body, cst.IndentedBlock):
            return each.body.body
    return ()


def is_docstring(item: cst.BaseStatement) -> bool:
    """Whether it is nothing but a string."""
    only = item.body[0] if isinstance(item, cst.SimpleStatementLine) and len(item.body) == 1 else None
    return isinstance(only, cst.Expr) and isinstance(only.value, cst.SimpleString)


def put(body: list[cst.BaseStatement], item: cst.BaseStatement) -> None:
    """Add a statement; an autocommit block goes into the one before it."""
    last = body[-1] if body else None
    if isinstance(item, cst.With) and isinstance(last, cst.With) and is_block(item) and is_block(last):
        inner = [*last.body.body, *item.body.body]
        inner[len(last.body.body)] = inner[len(last.body.body)].with_changes(leading_lines=item.leading_lines)
        body[-1] = last.with_changes(body=last.body.with_changes(body=inner))
    else:
        body.append(item)


def with_comments_of(line: cst.SimpleStatementLine, parts: list[cst.BaseStatement]) -> list[cst.BaseStatement]:
    """The parts with what stood above the line above the first of them, and what stood behind it behind the last."""
    bare = [_bared(part) for part in parts]
    if bare:
        bare[0] = bare[0].with_changes(leading_lines=line.leading_lines)
    last = bare[-1] if bare else None
    if isinstance(last, cst.SimpleStatementLine) and last.trailing_whitespace.comment is None:
        bare[-1] = last.with_changes(trailing_whitespace=line.trailing_whitespace)
    return bare


def _bared(part: cst.BaseStatement) -> cst.BaseStatement:
    if isinstance(part, cst.With):
        inner = [each.with_changes(leading_lines=()) for each in part.body.body]
        part = part.with_changes(body=part.body.with_changes(body=inner))
    return part.with_changes(leading_lines=())
