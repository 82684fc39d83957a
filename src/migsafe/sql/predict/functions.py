"""CREATE FUNCTION, ALTER FUNCTION, CALL and DO."""

from migsafe.errors import SqlError
from migsafe.model.catalog import Function
from migsafe.sql import names, query, types
from migsafe.sql.draft import Draft
from migsafe.sql.functions import run_calls
from migsafe.sql.mentions import lock_mentioned
from migsafe.sql.nodes import pb
from migsafe.sql.parse import inner, parse_all, strings
from migsafe.sql.plpgsql import run

_INPUT = (pb.FUNC_PARAM_IN, pb.FUNC_PARAM_INOUT, pb.FUNC_PARAM_VARIADIC, pb.FUNC_PARAM_DEFAULT)


def create_function(node: pb.CreateFunctionStmt, draft: Draft) -> None:
    """LANGUAGE sql locks the tables in its body while it is checked; plpgsql does not look (measured)."""
    draft.command = "CREATE PROCEDURE" if node.is_procedure else "CREATE FUNCTION"
    options = {item.def_elem.defname: item.def_elem.arg for item in node.options}
    listed = strings(node.funcname)
    name = ".".join(listed[-2:]) if len(listed) > 1 else names.created(listed[-1], draft.catalog)
    arguments = [item.function_parameter for item in node.parameters]
    body = strings(options["as"].list.items)[0] if "as" in options else None
    language = options["language"].string.sval.lower() if "language" in options else "sql"
    if language == "sql":
        _check_body(node, draft, body)
    for argument in arguments:
        lock_mentioned(draft, argument.defexpr)
    draft.create(
        Function(
            name,
            tuple(types.text(a.arg_type, draft.catalog) for a in arguments if a.mode in _INPUT),
            kind="procedure" if node.is_procedure else "function",
            language=language,
            volatility=options["volatility"].string.sval[0] if "volatility" in options else "v",
            returns=types.text(node.return_type, draft.catalog) if node.HasField("return_type") else None,
            returns_set=node.return_type.setof,
            body=body,
        )
    )


def _check_body(node: pb.CreateFunctionStmt, draft: Draft, body: str | None) -> None:
    if body is None:
        query.rewrite(node.sql_body, draft)
        lock_mentioned(draft, node.sql_body)
        return
    try:
        statements = parse_all(body).stmts
    except SqlError:
        return
    for raw in statements:
        statement = inner(raw.stmt)
        if isinstance(statement, (pb.DeclareCursorStmt, pb.CreateTableAsStmt, pb.ExplainStmt)):
            statement = inner(statement.query)
        if isinstance(statement, (pb.SelectStmt, *query.WRITES)):
            query.rewrite(statement, draft)


def alter_function(node: pb.AlterFunctionStmt, draft: Draft) -> None:
    draft.command = "ALTER FUNCTION"


def do(node: pb.DoStmt, draft: Draft) -> None:
    """A block locks what its statements lock, whichever branch is taken; EXECUTE of a computed text is unknown."""
    draft.command = "DO"
    options = {item.def_elem.defname: item.def_elem.arg.string.sval for item in node.args}
    language = options.get("language", "plpgsql").lower()
    if language != "plpgsql":
        draft.give_up(f"migsafe does not read {language}")
        return
    run(options.get("as", ""), draft)


def call(node: pb.CallStmt, draft: Draft) -> None:
    draft.command = "CALL"
    run_calls(node.funccall, draft, asked_for=True)


HANDLES = {
    "CreateFunctionStmt": create_function,
    "AlterFunctionStmt": alter_function,
    "DoStmt": do,
    "CallStmt": call,
}
