"""Revision files, changed so that their statements are safe; what is not changed keeps every byte."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import libcst as cst
import msgspec
from libcst.metadata import MetadataWrapper, PositionProvider

from migsafe.errors import RevisionError
from migsafe.model.rewrite import Line, Rewrite
from migsafe.revisions import edit_call
from migsafe.revisions.edit_block import block, body_of, is_block, is_docstring, put, with_comments_of
from migsafe.revisions.edit_downgrade import Downgrade
from migsafe.revisions.edit_names import Needed
from migsafe.revisions.edit_second import Body, Second

_WIDTHS = (88, 120)


class Change(msgspec.Struct, frozen=True):
    """A statement that the call at `line` sends, and how it is rewritten. `alone`: the call sends no other one."""

    line: int
    operation: str | None
    sql: str
    rewrite: Rewrite
    alone: bool = True


class _Site(msgspec.Struct, frozen=True):
    """A statement of upgrade(): its place there, and the one in the autocommit block at that place."""

    item: int
    inner: int | None
    line: cst.SimpleStatementLine
    call: cst.Call


class RevisionFile:
    """The file of one revision, read to be changed. Raises RevisionError for a file that is not valid Python."""

    def __init__(self, path: Path, content: bytes) -> None:
        self.path = path
        try:
            wrapper = MetadataWrapper(cst.parse_module(content))
        except (cst.ParserSyntaxError, UnicodeDecodeError) as error:
            raise RevisionError(f"{path} is not valid Python: {error}", "Mend the file; nothing was changed.") from None
        self.module = wrapper.module
        self._positions = wrapper.resolve(PositionProvider)
        self._needed = Needed(self.module)
        longest = max((len(line) for line in self.module.code.splitlines()), default=0)
        self._width = min(max(longest, _WIDTHS[0]), _WIDTHS[1])

    def refusal(self, change: Change) -> str | None:
        """Why the call at the line must be changed by a person; None when it can be done here."""
        site = self._site(change.line)
        if isinstance(site, str):
            return site
        if edit_call.operation_of(site.call) != change.operation:
            return "the statement is not sent by an op.… call of this file"
        if not change.alone and not change.rewrite.without:
            return "its call sends other statements too"
        if change.operation == "op.alter_column" and not _sets_nullable_only(site.call):
            return "its call changes more than nullable"
        second = change.rewrite.second.lines
        name = self._needed.unknown([site.call]) if any(line.is_call for line in second) else None
        if name:
            return f"it uses {name}, which a second revision would not have"
        return self._undone_otherwise(change) or edit_call.refusal(site.call, change.sql, change.rewrite)

    def changed(self, changes: Sequence[Change]) -> tuple[bytes, Second]:
        """The content with `changes` made, none of which refusal() has anything against, and what a second one does."""
        upgrade, second = self._upgraded(changes)
        downgrade = Downgrade(self.module, self._needed, self._statement)
        for change in reversed(changes):
            if change.rewrite.undo is not None:
                downgrade.adjust(change.rewrite.undo, later=change.rewrite.moved or change.rewrite.undo.later)
        functions = {"upgrade": upgrade, "downgrade": downgrade.body}
        body = [_with_body(each, functions) for each in self.module.body]
        nodes = [*second.nodes, *downgrade.second.nodes]
        content = self.module.with_changes(body=body).bytes
        return content, Second(second, downgrade.second, self._needed, nodes)

    def _undone_otherwise(self, change: Change) -> str | None:
        """Why what moves into a second revision cannot be taken back there."""
        undo = change.rewrite.undo
        if undo is None or not (change.rewrite.moved or undo.later):
            return None
        downgrade = Downgrade(self.module, self._needed, self._statement)
        if downgrade.find(undo) is not None:
            return None
        if downgrade.mentions(undo):
            return "downgrade() undoes it in a way that cannot be moved"
        return None if undo.line is not None else "downgrade() does not undo it, and how to cannot be told from here"

    def _site(self, line: int) -> _Site | str:
        for place, item in enumerate(body_of(self.module, "upgrade")):
            if not self._covers(item, line):
                continue
            if isinstance(item, cst.With) and is_block(item):
                inside = [(i, each) for i, each in enumerate(item.body.body) if self._covers(each, line)]
                return _site_at(place, *inside[0]) if inside else _described(item)
            return _site_at(place, None, item)
        return "the statement does not come from upgrade() itself, but from a function that it calls"

    def _covers(self, node: cst.CSTNode, line: int) -> bool:
        found = self._positions[node]
        return bool(found.start.line <= line <= found.end.line)

    def _upgraded(self, changes: Sequence[Change]) -> tuple[list[cst.BaseStatement], Body]:
        by_item: dict[tuple[int, int | None], list[Change]] = {}
        sites: dict[tuple[int, int | None], _Site] = {}
        for change in changes:
            site = self._site(change.line)
            assert isinstance(site, _Site)
            by_item.setdefault((site.item, site.inner), []).append(change)
            sites[site.item, site.inner] = site
        second, body = Body(), list[cst.BaseStatement]()
        for place, item in enumerate(body_of(self.module, "upgrade")):
            here = [key for key in by_item if key[0] == place]
            if not here:
                put(body, item)
            elif here == [(place, None)]:
                for each in self._parts(sites[place, None], by_item[place, None], second, in_block=False):
                    put(body, each)
            else:
                assert isinstance(item, cst.With)
                inner: list[cst.BaseStatement] = []
                for number, within in enumerate(item.body.body):
                    key = (place, number)
                    if key in sites:
                        inner += self._parts(sites[key], by_item[key], second, in_block=True)
                    elif isinstance(within, cst.BaseStatement):
                        inner.append(within)
                if inner:
                    put(body, item.with_changes(body=item.body.with_changes(body=inner)))
        return body, second

    def _parts(
        self, site: _Site, changes: Iterable[Change], second: Body, *, in_block: bool
    ) -> list[cst.BaseStatement]:
        """What takes the place of one statement; what moves is added to `second`."""
        call = site.call
        for change in changes:
            call = edit_call.changed(call, change.sql, change.rewrite)
        own = site.line.with_changes(body=[cst.Expr(self._fitting(call, site.call, in_block))])
        concurrent: list[cst.BaseStatement] = []
        statements: list[cst.BaseStatement] = []
        kept = False
        for change in changes:
            first, later = change.rewrite.first, change.rewrite.second
            for lines, into in ((first.concurrent, concurrent), (first.statements, statements)):
                new = [line for line in lines if not (line.is_call and kept)]
                into += [self._node(line, own) for line in new]
                kept = kept or any(line.is_call for line in new)
            second.add(
                [self._node(line, own) for line in later.concurrent],
                [self._node(line, own) for line in later.statements],
            )
        if in_block:
            return concurrent + statements
        return with_comments_of(site.line, ([block(concurrent)] if concurrent else []) + statements)

    def _node(self, line: Line, own: cst.SimpleStatementLine) -> cst.BaseStatement:
        return own if line.is_call else self._statement(line)

    def _statement(self, line: Line) -> cst.SimpleStatementLine:
        node = cst.ensure_type(cst.parse_statement(line.python), cst.SimpleStatementLine)
        call = edit_call.call_of(node)
        return node if call is None else node.with_changes(body=[cst.Expr(self._fitting(call, None, False))])

    def _fitting(self, call: cst.Call, before: cst.Call | None, in_block: bool) -> cst.Call:
        """A call that became too long for the file gets a line for every argument."""
        if before is not None and call.deep_equals(before) and in_block:
            return call
        code = self.module.code_for_node(call)
        deep = len(self.module.default_indent) * 2
        if "\n" in code or len(code) + deep <= self._width:
            return call
        return edit_call.exploded(call, self.module.default_indent)


def _with_body(each: cst.CSTNode, bodies: dict[str, list[cst.BaseStatement]]) -> cst.CSTNode:
    if isinstance(each, cst.FunctionDef) and each.name.value in bodies and isinstance(each.body, cst.IndentedBlock):
        new = bodies[each.name.value] or [cst.SimpleStatementLine([cst.Pass()])]
        if list(each.body.body) != new:
            if all(is_docstring(item) for item in new):
                new = [*new, cst.SimpleStatementLine([cst.Pass()])]
            return each.with_changes(body=each.body.with_changes(body=new))
    return each


def _site_at(place: int, inner: int | None, item: cst.CSTNode) -> _Site | str:
    call = edit_call.call_of(item)
    if call is None or not isinstance(item, cst.SimpleStatementLine):
        return _described(item)
    return _Site(place, inner, item, call)


def _described(item: cst.CSTNode) -> str:
    match item:
        case cst.With() if any("batch_alter_table" in cst.Module([]).code_for_node(each) for each in item.items):
            return "it stands in a batch_alter_table block"
        case cst.For() | cst.While():
            return "it stands in a loop"
        case cst.If():
            return "it stands behind a condition"
    return "its line holds more than the call"


def _sets_nullable_only(call: cst.Call) -> bool:
    named = [each.keyword.value for each in call.args if each.keyword]
    return all(name in ("nullable", "schema") or name.startswith("existing_") for name in named)
