"""Two times what a scratch database held, and what is not the same."""

from migsafe.rehearse.contents import Contents

_LONG = 80


def differences(one: Contents, other: Contents) -> tuple[str, ...]:
    """What is not the same, a sentence an object."""
    found = []
    come_or_gone = one.objects.keys() ^ other.objects.keys()
    for name in sorted({*one.objects, *other.objects}):
        if name.split(" ", 1)[1] in come_or_gone and name.startswith(("owner ", "access ")):
            continue
        before, now = one.objects.get(name), other.objects.get(name)
        if now is None:
            found.append(f"{name} is not there any more")
        elif before is None:
            found.append(f"{name} is left over")
        elif before != now:
            was, now_is = _apart(before, now)
            found.append(f"{name} was `{was}` and is `{now_is}`")
    return tuple(found)


def lost(one: Contents, other: Contents) -> tuple[str, ...]:
    fewer = [
        f"{table} had {count} row{'s' if count > 1 else ''} and has {other.rows.get(table, 0)}"
        for table, count in one.rows.items()
        # Where there were none, rows were made for the way down.
        if count and other.rows.get(table, 0) != count
    ]
    told = {line.split(" ", 1)[0] for line in fewer}
    changed = [
        f"values of {column}"
        for column, text in one.values.items()
        if one.rows.get(column.rpartition(".")[0])
        and column.rpartition(".")[0] not in told
        and other.values.get(column) != text
    ]
    return (*fewer, *changed)


def valueless(one: Contents, other: Contents) -> tuple[str, ...]:
    """Columns of tables in both that `other` has not, or of another type, with only NULLs: a loss would not show."""
    tables = {table for table, count in one.rows.items() if count and table in other.rows}
    return tuple(
        column
        for column, text in one.values.items()
        if not text and column.rpartition(".")[0] in tables and _type(one, column) != _type(other, column)
    )


def _type(contents: Contents, column: str) -> str:
    return contents.objects.get(f"column {column}", "").split(";", 1)[0]


def touched(one: Contents, other: Contents, tables: dict[str, str]) -> dict[str, str]:
    """Of `tables` those that are not the same in both, or that something of theirs is not."""
    changed = {name.split(" ", 1)[1] for name, text in {*one.objects.items()} ^ {*other.objects.items()}}
    return {
        table: why
        for table, why in tables.items()
        if any(name == table or name.startswith(f"{table}.") for name in changed)
    }


def reordered(one: Contents, other: Contents) -> tuple[str, ...]:
    moved = (name.rpartition(".")[0] for name, place in one.order.items() if other.order.get(name, place) != place)
    return tuple(dict.fromkeys(moved))


def _apart(one: str, other: str) -> tuple[str, str]:
    """Both from a little before where they part, shortened."""
    same = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    start = max(0, same - 30) if max(len(one), len(other)) > _LONG else 0
    return _short(("…" if start else "") + one[start:]), _short(("…" if start else "") + other[start:])


def _short(text: str) -> str:
    return text if len(text) <= _LONG else f"{text[: _LONG - 1]}…"
