"""The comments of a revision file, each with the lines of the statement that it stands at."""

import ast
import io
import tokenize
import warnings
from collections.abc import Iterator, Mapping

import msgspec

Lines = tuple[int, int]


class Remark(msgspec.Struct, frozen=True):
    """A comment at `line` (from 1). `about` are the first and the last line of what it is for.

    That is the statement on whose lines it stands, or the one directly below it; None where there is none. `header`:
    it stands above the first statement of code.
    """

    text: str
    line: int
    about: Lines | None = None
    header: bool = False


class Source(msgspec.Struct, frozen=True):
    """A revision file: its comments that speak to migsafe, the lines of its functions, and those that call nothing."""

    remarks: tuple[Remark, ...] = ()
    functions: Mapping[str, Lines] = {}
    idle: frozenset[str] = frozenset()

    def inside(self, function: str, line: int) -> bool:
        """Whether a line belongs to a function of this name."""
        first, last = self.functions.get(function, (0, -1))
        return first <= line <= last


def read_source(path: str) -> Source:
    """The file at `path`; empty when it is no readable Python, or has no word of migsafe."""
    try:
        with tokenize.open(path) as file:
            text = file.read()
        if "migsafe" not in text:
            return Source()
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (OSError, SyntaxError, ValueError, tokenize.TokenError):
        return Source()
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    lines = {each.name: (each.lineno, each.end_lineno or each.lineno) for each in functions}
    return Source(tuple(_remarks(tokens, tree)), lines, frozenset(each.name for each in functions if _is_idle(each)))


def line_of(path: str, function: str) -> int | None:
    """The line on which a function of the file at `path` begins; None when there is no such function."""
    try:
        with tokenize.open(path) as file:
            lines = list(file)
    except (OSError, SyntaxError, ValueError):
        return None
    heads = (f"def {function}(", f"async def {function}(")
    return next((number for number, line in enumerate(lines, 1) if line.startswith(heads)), None)


def _remarks(tokens: list[tokenize.TokenInfo], tree: ast.Module) -> Iterator[Remark]:
    comments = {token.start[0]: token for token in tokens if token.type == tokenize.COMMENT}
    alone = {line for line, token in comments.items() if token.line[: token.start[1]].strip() == ""}
    extents = list(_extents(tree))
    first = _first_line(tree)
    for line, token in comments.items():
        if "migsafe" in token.string.lower():
            about = _around(line, extents) or (_below(line, alone, extents) if line in alone else None)
            yield Remark(token.string, line, about, header=line < first)


def _around(line: int, extents: list[tuple[Lines, Lines]]) -> Lines | None:
    """What the innermost statement (or head of a block) on this line is about."""
    around = [(end - start, about) for (start, end), about in extents if start <= line <= end]
    return min(around)[1] if around else None


def _below(line: int, alone: set[int], extents: list[tuple[Lines, Lines]]) -> Lines | None:
    while line in alone:
        line += 1
    return next((about for (start, _), about in extents if start == line), None)


def _extents(tree: ast.Module) -> Iterator[tuple[Lines, Lines]]:
    """The lines of every statement, of a block only its head, and what a comment there is about."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.stmt):
            continue
        own = _head(node)
        # What is queued in a batch is one ALTER of one table: said at the `with`, it is said of all of it.
        yield own, ((own[0], node.end_lineno or own[1]) if _is_batch(node) else own)


def _head(node: ast.stmt) -> Lines:
    if not isinstance(getattr(node, "body", None), list):
        return node.lineno, node.end_lineno or node.lineno
    lines = [node.lineno]
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr | ast.withitem | ast.arguments):
            lines += [part for each in ast.walk(child) for part in _lines_of(each)]
    return min(lines), max(lines)


def _lines_of(node: ast.AST) -> tuple[int, ...]:
    return (node.lineno, node.end_lineno or node.lineno) if isinstance(node, ast.expr | ast.arg) else ()


def _is_batch(node: ast.stmt) -> bool:
    if not isinstance(node, ast.With | ast.AsyncWith):
        return False
    calls = [item.context_expr for item in node.items if isinstance(item.context_expr, ast.Call)]
    return any(isinstance(call.func, ast.Attribute) and call.func.attr == "batch_alter_table" for call in calls)


def _first_line(tree: ast.Module) -> int:
    body = tree.body[1:] if ast.get_docstring(tree, clean=False) is not None else tree.body
    return min((_head(node)[0] for node in body), default=1)


def _is_idle(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return not any(isinstance(node, ast.Call) for each in function.body for node in ast.walk(each))
