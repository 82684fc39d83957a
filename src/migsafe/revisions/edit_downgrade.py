"""downgrade() of a revision whose upgrade() was changed: the same objects are taken away, the safe way."""

from collections.abc import Callable, Sequence

import libcst as cst

from migsafe.model.rewrite import Line, Undo
from migsafe.revisions import edit_call
from migsafe.revisions.edit_block import block, body_of, is_block, is_docstring, with_comments_of
from migsafe.revisions.edit_names import Needed
from migsafe.revisions.edit_second import Body

Found = tuple[int, int | None]


class Downgrade:
    """The body of downgrade() while it is changed; what a second revision takes back is in `second`."""

    def __init__(
        self, module: cst.Module, needed: Needed, statement: Callable[[Line], cst.SimpleStatementLine]
    ) -> None:
        self.body: list[cst.BaseStatement] = list(body_of(module, "downgrade"))
        self.second = Body()
        self._needed = needed
        self._statement = statement

    def find(self, undo: Undo) -> Found | None:
        """Where the call stands that takes the statement back: an item of the body, and one of the block there."""
        for place, item in enumerate(self.body):
            if is_block(item) and isinstance(item, cst.With):
                for inner, each in enumerate(item.body.body):
                    if self._is_it(each, undo):
                        return place, inner
            elif self._is_it(item, undo):
                return place, None
        return None

    def mentions(self, undo: Undo) -> bool:
        """Whether what is undone is named at all, in whatever way."""
        return _names(self.body, undo)

    def adjust(self, undo: Undo, *, later: bool) -> None:
        """Make downgrade() fit: the call found moves when `later`, else it is changed where it stands."""
        found = self.find(undo)
        if later:
            self._move(undo, found)
        elif found is not None:
            self._change(undo, found)

    def _move(self, undo: Undo, found: Found | None) -> None:
        node: cst.BaseStatement | None = None
        if found is not None and self._is_self_contained(found):
            node = self._changed(undo, self._take(found, undo.instead))
        elif found is not None:
            self._take(found, undo.instead)
        elif undo.instead and not any(_raises(item) for item in self.body):
            self._insert_first([self._statement(line) for line in undo.instead])
        if node is None and undo.line is not None:
            node = self._statement(undo.line)
        nodes = [node] if node is not None else []
        also = [self._statement(line) for line in undo.also]
        if undo.concurrent:
            self.second.add(nodes, also)
        else:
            self.second.add([], [*nodes, *also])

    def _change(self, undo: Undo, found: Found) -> None:
        place, inner = found
        item = self.body[place]
        if inner is not None:
            assert isinstance(item, cst.With)
            within = list(item.body.body)
            within[inner] = self._changed(undo, within[inner])
            self.body[place] = item.with_changes(body=item.body.with_changes(body=within))
            return
        new: cst.BaseStatement = self._changed(undo, item)
        if undo.concurrent:
            new = with_comments_of(cst.ensure_type(item, cst.SimpleStatementLine), [block([new])])[0]
        before = self.body[:place]
        if undo.concurrent and undo.first and not all(map(self._is_quiet, before)) and not _names(before, undo):
            del self.body[place]
            self._insert_first([new])
        else:
            self.body[place] = new

    def _is_quiet(self, item: cst.BaseStatement) -> bool:
        return is_block(item) or is_docstring(item)

    def _insert_first(self, new: Sequence[cst.BaseStatement]) -> None:
        """Before everything that stands in the transaction, behind the docstring."""
        self.body = [item for item in self.body if not _is_pass(item)]
        place = 1 if self.body and is_docstring(self.body[0]) else 0
        self.body[place:place] = new

    def _take(self, found: Found, instead: Sequence[Line]) -> cst.CSTNode:
        place, inner = found
        item = self.body[place]
        if inner is None:
            self.body[place : place + 1] = [self._statement(line) for line in instead]
            return item
        assert isinstance(item, cst.With)
        within = list(item.body.body)
        taken = within.pop(inner)
        rest = item.with_changes(body=item.body.with_changes(body=within))
        self.body[place : place + 1] = [rest] if within else []
        return taken

    def _changed(self, undo: Undo, node: cst.CSTNode) -> cst.SimpleStatementLine:
        line = cst.ensure_type(node, cst.SimpleStatementLine)
        call = edit_call.call_of(line)
        assert call is not None
        if edit_call.operation_of(call) == "op.execute" and undo.line is not None:
            return self._statement(undo.line).with_changes(leading_lines=line.leading_lines)
        changed = edit_call.with_keywords(call, undo.keywords)
        return line.with_changes(body=[cst.Expr(changed)])

    def _is_self_contained(self, found: Found) -> bool:
        place, inner = found
        item = self.body[place]
        node = item.body.body[inner] if inner is not None and isinstance(item, cst.With) else item
        return self._needed.unknown([node]) is None

    def _is_it(self, node: cst.CSTNode, undo: Undo) -> bool:
        call = edit_call.call_of(node)
        if call is not None and edit_call.operation_of(call) == "op.execute" and len(call.args) == 1:
            said = self._text(call.args[0].value)
            return said is not None and _plain(said) in map(_plain, undo.spellings)
        if call is None or edit_call.operation_of(call) != f"op.{undo.operation}":
            return False
        given = [self._text(each.value) for each in call.args if not each.keyword][: len(undo.names)]
        if undo.operation == "alter_column" and not _makes_nullable(call):
            return False
        return tuple(given) == undo.names

    def _text(self, value: cst.CSTNode | None) -> str | None:
        """A name as it is at run time: a string, op.f("…"), or a constant of the module."""
        match value:
            case cst.SimpleString() | cst.ConcatenatedString():
                text = value.evaluated_value
                return text if isinstance(text, str) else None
            case cst.Call(func=cst.Attribute(value=cst.Name("op"), attr=cst.Name("f")), args=[argument]):
                return self._text(argument.value)
            case cst.Name(name):
                return self._text(self._needed.constant(name))
        return None


def _makes_nullable(call: cst.Call) -> bool:
    named = {each.keyword.value: each.value for each in call.args if each.keyword}
    nullable = named.get("nullable")
    only = all(name in ("nullable", "schema") or name.startswith("existing_") for name in named)
    return only and isinstance(nullable, cst.Name) and nullable.value == "True"


def _names(items: Sequence[cst.BaseStatement], undo: Undo) -> bool:
    function = cst.FunctionDef(cst.Name("f"), cst.Parameters(), cst.IndentedBlock(body=items))
    code = cst.Module([function]).code
    return all(name in code for name in undo.names)


def _plain(sql: str) -> str:
    return " ".join(sql.replace('"', "").rstrip("; \n").casefold().split())


def _is_pass(item: cst.BaseStatement) -> bool:
    return isinstance(item, cst.SimpleStatementLine) and all(isinstance(each, cst.Pass) for each in item.body)


def _raises(item: cst.BaseStatement) -> bool:
    return isinstance(item, cst.SimpleStatementLine) and any(isinstance(each, cst.Raise) for each in item.body)
