"""One call in a revision file, changed: keywords added, SQL amended, a column relieved; all else as it was written."""

from collections.abc import Iterable, Sequence
from typing import Any

import libcst as cst

from migsafe.model.rewrite import Rewrite

Insertions = Sequence[tuple[int, str]]


def call_of(statement: cst.CSTNode) -> cst.Call | None:
    """The call that is all there is on a line."""
    if isinstance(statement, cst.SimpleStatementLine) and len(statement.body) == 1:
        only = statement.body[0]
        if isinstance(only, cst.Expr) and isinstance(only.value, cst.Call):
            return only.value
    return None


def operation_of(call: cst.Call) -> str | None:
    """`op.add_column` of `op.add_column(…)`."""
    match call.func:
        case cst.Attribute(value=cst.Name("op"), attr=cst.Name(name)):
            return f"op.{name}"
    return None


def refusal(call: cst.Call, sql: str, rewrite: Rewrite) -> str | None:
    """Why the call cannot be changed as `rewrite` wants it; None when it can. `sql` is the statement that it sent."""
    if not any(line.is_call for line in rewrite.here.lines + rewrite.later.lines):
        return None
    if any(argument.star for argument in call.args):
        return "its arguments are unpacked with *"
    if rewrite.without:
        return None if _relieved(call, rewrite.without) is not None else "its sa.Column is not written in the call"
    if operation_of(call) == "op.execute" and rewrite.insertions:
        return None if _amended(call, sql, rewrite.insertions) is not None else "its SQL is not written in the call"
    return None


def changed(call: cst.Call, sql: str, rewrite: Rewrite) -> cst.Call:
    """The call as `rewrite` wants it; refusal() has nothing against it."""
    if rewrite.without:
        return _relieved(call, rewrite.without) or call
    if operation_of(call) == "op.execute":
        return (_amended(call, sql, rewrite.insertions) if rewrite.insertions else None) or call
    return with_keywords(call, rewrite.keywords)


def with_keywords(call: cst.Call, keywords: Iterable[tuple[str, str]]) -> cst.Call:
    """The call with these keyword arguments, each in the place of one of its name or behind the last."""
    for name, value in keywords:
        expression = cst.parse_expression(value)
        named = [each for each in call.args if each.keyword and each.keyword.value == name]
        if named:
            call = call.with_deep_changes(named[0], value=expression)
        else:
            call = call.with_changes(args=_appended(call, name, expression))
    return call


def _appended(call: cst.Call, name: str, value: cst.BaseExpression) -> list[cst.Arg]:
    added = cst.Arg(
        value=value, keyword=cst.Name(name), equal=cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace(""))
    )
    if not call.args:
        return [added]
    *others, last = call.args
    between = others[-1].comma if others else cst.Comma(whitespace_after=_first_whitespace(call))
    if not isinstance(between, cst.Comma):
        between = cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
    if isinstance(last.comma, cst.Comma):
        # A trailing comma goes on being the last thing, with the comment and the line break behind it.
        added = added.with_changes(comma=last.comma)
        return [*others, last.with_changes(comma=_without_comment(between)), added]
    added = added.with_changes(whitespace_after_arg=last.whitespace_after_arg)
    return [
        *others,
        last.with_changes(comma=_without_comment(between), whitespace_after_arg=cst.SimpleWhitespace("")),
        added,
    ]


def _without_comment(comma: cst.Comma) -> cst.Comma:
    space = comma.whitespace_after
    if isinstance(space, cst.ParenthesizedWhitespace):
        plain = cst.ParenthesizedWhitespace(indent=space.indent, last_line=space.last_line)
        return comma.with_changes(whitespace_after=plain)
    return comma


def _first_whitespace(call: cst.Call) -> cst.BaseParenthesizableWhitespace:
    before = call.whitespace_before_args
    return before if isinstance(before, cst.ParenthesizedWhitespace) else cst.SimpleWhitespace(" ")


def _relieved(call: cst.Call, without: Iterable[str]) -> cst.Call | None:
    """The op.add_column() without some of what its sa.Column says; None when that is not there."""
    columns = [each.value for each in call.args if _name_of(each.value) == "Column"]
    if len(columns) != 1 or not isinstance(columns[0], cst.Call):
        return None
    kept = list(columns[0].args)
    for name in without:
        gone = [each for each in kept if (each.keyword and each.keyword.value == name) or _name_of(each.value) == name]
        if len(gone) != 1:
            return None
        kept = _removed(kept, gone[0])
    return call.with_deep_changes(columns[0], args=kept)


def _removed(arguments: list[cst.Arg], gone: cst.Arg) -> list[cst.Arg]:
    kept = [each for each in arguments if each is not gone]
    if kept and gone is arguments[-1]:
        kept[-1] = kept[-1].with_changes(comma=gone.comma, whitespace_after_arg=gone.whitespace_after_arg)
    return kept


def _name_of(value: cst.BaseExpression) -> str | None:
    """`Column` of `sa.Column(…)` and of `Column(…)`."""
    match value:
        case cst.Call(func=cst.Attribute(attr=cst.Name(name)) | cst.Name(name)):
            return name
    return None


def _amended(call: cst.Call, sql: str, insertions: Insertions) -> cst.Call | None:
    """The op.execute() with text put into its SQL; None when the SQL does not stand there as it was sent."""
    if not call.args:
        return None
    given = call.args[0].value
    if _name_of(given) == "text" and isinstance(given, cst.Call) and given.args:
        given = given.args[0].value
    pieces = _pieces(given)
    if pieces is None:
        return None
    start = "".join(_value(piece) for piece in pieces).find(sql)
    if start < 0:
        return None
    for offset, text in sorted(insertions, reverse=True):
        found = _piece_at(pieces, start + offset)
        if found is None:
            return None
        piece, place = found
        raw = piece.raw_value[:place] + text + piece.raw_value[place:]
        new = f"{piece.prefix}{piece.quote}{raw}{piece.quote}"
        call = call.with_deep_changes(piece, value=new)
    return call


def _pieces(value: cst.BaseExpression) -> list[cst.SimpleString] | None:
    """The string constants that Python joins to one; None for an f-string, and for what is computed."""
    match value:
        case cst.SimpleString():
            return [value]
        case cst.ConcatenatedString():
            left, right = _pieces(value.left), _pieces(value.right)
            return left + right if left is not None and right is not None else None
    return None


def _piece_at(pieces: Iterable[cst.SimpleString], place: int) -> tuple[cst.SimpleString, int] | None:
    """The piece that holds the character before `place`, and where in it; None where it is written with escapes."""
    for piece in pieces:
        value = _value(piece)
        if place <= len(value):
            return (piece, place) if piece.raw_value == value else None
        place -= len(value)
    return None


def _value(piece: cst.SimpleString) -> str:
    value: Any = piece.evaluated_value
    return value if isinstance(value, str) else ""


def exploded(call: cst.Call, indent: str) -> cst.Call:
    """The call with every argument on a line of its own."""
    if not call.args or isinstance(call.whitespace_before_args, cst.ParenthesizedWhitespace):
        return call
    inner = cst.ParenthesizedWhitespace(indent=True, last_line=cst.SimpleWhitespace(indent))
    outer = cst.ParenthesizedWhitespace(indent=True)
    *others, last = (each.with_changes(whitespace_after_arg=cst.SimpleWhitespace("")) for each in call.args)
    arguments = [each.with_changes(comma=cst.Comma(whitespace_after=inner)) for each in others]
    arguments.append(last.with_changes(comma=cst.Comma(whitespace_after=outer)))
    return call.with_changes(args=arguments, whitespace_before_args=inner)
