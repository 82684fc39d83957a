"""What a piece of a revision file needs of the rest of it, so that it can stand in another file."""

import builtins
from collections.abc import Iterable

import libcst as cst

_GIVEN = {"op", *vars(builtins)}


class Needed:
    """Imports and constants of a module that moved code needs, as source text by the name they bind."""

    def __init__(self, module: cst.Module) -> None:
        self._bound: dict[str, tuple[str, cst.CSTNode]] = {}
        for line in module.body:
            if isinstance(line, cst.SimpleStatementLine):
                for each in line.body:
                    self._bind(module, each)

    def _bind(self, module: cst.Module, statement: cst.BaseSmallStatement) -> None:
        match statement:
            case cst.Import(names=names):
                for alias in names:
                    text = f"import {module.code_for_node(alias.with_changes(comma=cst.MaybeSentinel.DEFAULT))}"
                    self._bound[_bound_by(alias)] = text, cst.Pass()
            case cst.ImportFrom(module=source, names=names, relative=()) if source and not isinstance(
                names, cst.ImportStar
            ):
                for alias in names:
                    name = module.code_for_node(alias.with_changes(comma=cst.MaybeSentinel.DEFAULT))
                    self._bound[_bound_by(alias)] = f"from {module.code_for_node(source)} import {name}", cst.Pass()
            case cst.Assign(targets=[cst.AssignTarget(cst.Name(name))], value=value):
                self._bound[name] = f"{name} = {module.code_for_node(value)}", value

    def constant(self, name: str) -> cst.CSTNode | None:
        """The value of a constant of the module."""
        found = self._bound.get(name)
        return found[1] if found and not isinstance(found[1], cst.Pass) else None

    def unknown(self, nodes: Iterable[cst.CSTNode]) -> str | None:
        """A name that the nodes use, and that no import and no constant of the module gives."""
        return next((name for name in _all_used(nodes, self._bound) if name not in self._bound), None)

    def source(self, nodes: Iterable[cst.CSTNode], known: Iterable[str]) -> str:
        """Imports, then constants, for the names of `nodes` that are not among `known`."""
        used = [name for name in _all_used(nodes, self._bound) if name not in set(known)]
        imports = [self._bound[name][0] for name in used if isinstance(self._bound[name][1], cst.Pass)]
        constants = [self._bound[name][0] for name in used if not isinstance(self._bound[name][1], cst.Pass)]
        return "\n".join([*sorted(imports), *([""] if constants else []), *reversed(constants)])


def bound_in(text: str) -> set[str]:
    """The names that a module binds."""
    return set(Needed(cst.parse_module(text))._bound)


def _bound_by(alias: cst.ImportAlias) -> str:
    name = alias.evaluated_alias or alias.evaluated_name.partition(".")[0]
    return str(name)


def _all_used(nodes: Iterable[cst.CSTNode], bound: dict[str, tuple[str, cst.CSTNode]]) -> list[str]:
    used: dict[str, None] = {}
    left = list(nodes)
    while left:
        for name in _used(left.pop()):
            if name not in used and name not in _GIVEN:
                used[name] = None
                left += [bound[name][1]] if name in bound else []
    return list(used)


def _used(node: cst.CSTNode) -> list[str]:
    """Names that an expression or statement reads: not attributes, not keywords of calls."""
    match node:
        case cst.Name(name):
            return [name]
        case cst.Attribute(value=value):
            return _used(value)
        case cst.Arg(value=value):
            return _used(value)
    return [name for child in node.children for name in _used(child)]
