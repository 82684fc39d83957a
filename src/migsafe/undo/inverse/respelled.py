"""Facts under the names that a rename gives."""

import re
from collections.abc import Iterable, Iterator

from migsafe.model.definitions import UNCLEAR, Facts, Known, key
from migsafe.model.effects import Object, Rename
from migsafe.sql.quote import qualified

_WORD = r"(?<![\w.\"]){}(?![\w(\"])"


def renamed(known: Known, renames: Iterable[Rename]) -> Known:
    """The same facts under the names that renames give."""
    facts = dict(known.facts)
    for rename in renames:
        facts = dict(_renamed(facts, rename))
    return Known(facts, complete=known.complete) if facts else known


def _signed(facts: dict[str, Facts], rename: Rename) -> Rename:
    """A function without arguments is the only one of that name (as model/renamed.py has it)."""
    if rename.old.kind != "function" or "(" in rename.old.name:
        return rename
    start = f"{key(rename.old)}("
    own = [name[len(start) - 1 :] for name in facts if name.startswith(start)]
    if len(own) != 1:
        return rename
    old, new = (Object("function", each.name.split("(")[0] + own[0]) for each in (rename.old, rename.new))
    return Rename(old, new)


def _renamed(facts: dict[str, Facts], rename: Rename) -> Iterator[tuple[str, Facts]]:
    rename = _signed(facts, rename)
    old, new = key(rename.old), key(rename.new)
    plain_old, plain_new = rename.old.label, rename.new.label
    for name, known in facts.items():
        family, _, label = name.partition(" ")
        if name == old:
            name = new
        elif rename.old.kind != "column" and label.startswith(f"{plain_old}."):
            name = f"{family} {plain_new}{label[len(plain_old) :]}"
        yield name, _with_name(name, known, rename)


def _with_name(name: str, known: Facts, rename: Rename) -> Facts:
    """The server prints a definition with the new name; so is the text changed, where that is certain."""
    text = known.get("definition")
    if text is None or text == UNCLEAR:
        return known
    old, new = rename.old, rename.new
    if name.startswith("function "):
        return {**known, "definition": _headed(text, old, new)} if name == key(new) else known
    if old.kind == "column":
        if not re.search(rf"\b{re.escape(old.name)}\b", text):
            return known
        attached = re.match(rf"(constraint|index|trigger|policy) {re.escape(old.of or '')}\.", name) or name.startswith(
            "index "
        )
        if not attached and name.startswith("constraint ") and "REFERENCES" not in text:
            # Of another table, whose column has the same name.
            return known
        if not attached or not re.fullmatch(r"[a-z_]\w*", f"{old.name}") or not re.fullmatch(r"[a-z_]\w*", new.name):
            return {**known, "definition": UNCLEAR}
        if name.startswith("index ") and not _is_on(text, old.of or ""):
            return known
        return {**known, "definition": re.sub(_WORD.format(re.escape(old.name)), new.name, text)}
    # A function's name here is its signature, and in a text it is its name.
    full_old, full_new = old.name.split("(")[0], new.name.split("(")[0]
    bare_old, bare_new = full_old.rpartition(".")[2], full_new.rpartition(".")[2]
    if not re.search(rf"\b{re.escape(bare_old)}\b", text):
        return known
    if not re.fullmatch(r"[a-z_]\w*", bare_old) or not re.fullmatch(r"[a-z_]\w*", bare_new):
        return {**known, "definition": UNCLEAR}
    if "." in full_old:
        text = re.sub(rf"(?<![\w\"]){re.escape(full_old)}(?![\w\"])", full_new, text)
    if name.startswith("index ") and "." in full_old:
        # Of what a revision made a moment ago the table stands there as it was written, without its schema.
        text = re.sub(rf" ON (ONLY )?{re.escape(bare_old)} ", rf" ON \g<1>{full_new} ", text)
    if old.kind == "function" and re.search(rf"(?<![\w.\"]){re.escape(bare_old)}\(", text):
        return {**known, "definition": UNCLEAR}
    if name.startswith("index ") and old.kind in ("index", "partitioned index"):
        text = re.sub(rf"(INDEX(?: IF NOT EXISTS)?) {re.escape(bare_old)} ON", rf"\1 {bare_new} ON", text)
    if old.kind in ("trigger", "rule", "policy"):
        text = re.sub(_WORD.format(re.escape(bare_old)), bare_new, text, count=1)
    return {**known, "definition": text}


def _headed(text: str, old: Object, new: Object) -> str:
    """The definition of a function that has another name: a body keeps to what it says."""
    schema, _, bare = old.name.split("(")[0].rpartition(".")
    head = rf"(\b(?:FUNCTION|PROCEDURE|AGGREGATE)\s+)(?:\"?{re.escape(schema)}\"?\.)?\"?{re.escape(bare)}\"?(?=\s*\()"
    named = qualified(new.name.split("(")[0])
    done, found = re.subn(head, lambda match: f"{match[1]}{named}", text, count=1, flags=re.IGNORECASE)
    return done if found else UNCLEAR


def _is_on(definition: str, relation: str) -> bool:
    names = (relation, relation.rpartition(".")[2])
    return any(f" ON {only}{name} " in definition for name in names for only in ("", "ONLY "))
