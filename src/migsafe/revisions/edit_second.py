"""The revision that follows a changed one: the project's own template, its id, and who comes after it now."""

import datetime
import hashlib
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import libcst as cst
import msgspec
from alembic.util import format_as_comma, template_to_file

from migsafe.errors import RevisionError
from migsafe.model.rewrite import AUTOCOMMIT_BLOCK
from migsafe.revisions.config import Environment, loading
from migsafe.revisions.edit_names import Needed, bound_in
from migsafe.revisions.sentence import named

_INDENT = "    "


class Body:
    """The body of upgrade() or downgrade(): `concurrent` in an autocommit block, then `statements`."""

    def __init__(self) -> None:
        self.concurrent: list[cst.BaseStatement] = []
        self.statements: list[cst.BaseStatement] = []

    def add(self, concurrent: Sequence[cst.BaseStatement], statements: Sequence[cst.BaseStatement]) -> None:
        self.concurrent += concurrent
        self.statements += statements

    @property
    def nodes(self) -> list[cst.BaseStatement]:
        return [*self.concurrent, *self.statements]

    @property
    def source(self) -> str:
        """The lines as they stand in a function, without the first one's indentation; empty when there is none.

        What validates comes before what takes ACCESS EXCLUSIVE: rows are read while nobody waits.
        """
        with_block: list[cst.BaseStatement] = []
        if self.concurrent:
            parsed = cst.ensure_type(cst.parse_statement(f"{AUTOCOMMIT_BLOCK}\n    pass\n"), cst.With)
            with_block = [parsed.with_changes(body=cst.IndentedBlock(body=self.concurrent))]
        validating = [each for each in self.statements if "VALIDATE CONSTRAINT" in cst.Module([]).code_for_node(each)]
        others = [each for each in self.statements if each not in validating]
        lines = [*with_block, *validating, *others]
        if not lines:
            return ""
        function = cst.FunctionDef(cst.Name("f"), cst.Parameters(), cst.IndentedBlock(body=lines))
        code = cst.Module([function], default_indent=_INDENT).code
        return code.partition("\n")[2].removeprefix(_INDENT).rstrip("\n")


class Second(msgspec.Struct, frozen=True):
    """What the second revision does; nothing when `upgrade` is empty."""

    up: Body
    down: Body
    needed: Needed
    nodes: Sequence[cst.CSTNode]

    def __bool__(self) -> bool:
        return bool(self.up.nodes)


class NewRevision(msgspec.Struct, frozen=True):
    """A revision file to be written. `followers` are files of revisions that have to come after it now."""

    revision: str
    path: Path
    text: str
    followers: tuple[Path, ...]


def new_revision(environment: Environment, revision: str, second: Second) -> NewRevision:
    """The file after `revision`, of the project's own template.

    The id is a hash of `revision`: the same on every machine, whoever lets it be written. Raises RevisionError when
    the template cannot be used.
    """
    directory = environment.script
    with loading(environment):
        first = directory.get_revision(revision)
        followers = [each for each in directory.walk_revisions() if revision in each._versioned_down_revisions]
    identifier = hashlib.sha256(f"migsafe second {revision}".encode()).hexdigest()[:12]
    message = f"{first.doc or revision}, second part"
    date = datetime.datetime.fromtimestamp(Path(first.path).stat().st_mtime, datetime.UTC).replace(tzinfo=None)
    path = directory._rev_path(Path(first.path).parent, identifier, message, date)
    values = {"up_revision": identifier, "down_revision": revision, "message": message, "create_date": date}
    values |= {"upgrades": second.up.source, "downgrades": second.down.source}
    known = {"sa", "op"} | bound_in(_rendered(environment, values | {"imports": ""}))
    text = _rendered(environment, values | {"imports": second.needed.source(second.nodes, known)})
    compile(text, str(path), "exec")
    return NewRevision(identifier, Path(path), text, tuple(sorted(Path(each.path) for each in followers)))


def _rendered(environment: Environment, values: dict[str, Any]) -> str:
    template = Path(environment.script.dir) / "script.py.mako"
    given: dict[str, Any] = {
        "branch_labels": None,
        "depends_on": None,
        "comma": format_as_comma,
        "config": environment.config,
    }
    with tempfile.TemporaryDirectory() as folder:
        rendered = Path(folder) / "revision.py"
        try:
            template_to_file(str(template), str(rendered), "utf-8", **given, **values)
            text = rendered.read_text(encoding="utf-8")
            compile(text, str(template), "exec")
        except Exception as error:
            raise RevisionError(
                f"no revision can be made with {template}: {named(error)}",
                "`alembic revision` needs it too; mend it.",
            ) from None
    return text


def after_another(content: bytes, path: Path, old: str, new: str) -> bytes:
    """The revision file with `new` for `old` in its down_revision. Raises RevisionError where that is not written."""
    try:
        module = cst.parse_module(content)
    except (cst.ParserSyntaxError, UnicodeDecodeError) as error:
        raise RevisionError(f"{path} is not valid Python: {error}", "Mend the file; nothing was changed.") from None
    body = [_follows(each, old, new) for each in module.body]
    if all(now is before for now, before in zip(body, module.body, strict=True)):
        raise RevisionError(
            f"{path} does not write its down_revision {old!r} as a string",
            f'Write `down_revision = "{old}"`, then run the same command again.',
        )
    if body and (text := _docstring(body[0])) is not None:
        said = re.sub(rf"(?m)^(Revises:.*)\b{re.escape(old)}\b", rf"\g<1>{new}", text.value)
        body[0] = body[0].with_deep_changes(text, value=said)
    return module.with_changes(body=body).bytes


def _docstring(line: cst.CSTNode) -> cst.SimpleString | None:
    match line:
        case cst.SimpleStatementLine(body=[cst.Expr(cst.SimpleString() as text)]):
            return text
    return None


def _follows(line: cst.CSTNode, old: str, new: str) -> Any:
    match line:
        case cst.SimpleStatementLine(
            body=[cst.Assign(targets=[cst.AssignTarget(cst.Name("down_revision"))], value=value)]
        ):
            pass
        case cst.SimpleStatementLine(body=[cst.AnnAssign(target=cst.Name("down_revision"), value=value)]):
            pass
        case _:
            return line
    elements = [each.value for each in value.elements] if isinstance(value, cst.Tuple | cst.List) else [value]
    for each in elements:
        if isinstance(each, cst.SimpleString) and each.evaluated_value == old:
            return line.with_deep_changes(each, value=f"{each.quote}{new}{each.quote}")
    return line
