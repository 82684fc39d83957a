"""The file of `migsafe stats`: one relation a line, in the order of their names."""

from datetime import UTC, datetime

import msgspec

from migsafe.model.statistics import VERSION, DatabaseStatistics


def as_json(statistics: DatabaseStatistics) -> str:
    """The file as text. The same statistics give the same text."""
    head = msgspec.to_builtins(msgspec.structs.replace(statistics, relations=()))
    lines = [f"  {_text(key)}: {_text(value)}" for key, value in head.items() if key != "relations"]
    relations = sorted(statistics.relations, key=lambda each: each.name)
    rows = ",\n".join(f"    {_text(each)}" for each in relations)
    lines.append(f'  "relations": [\n{rows}\n  ]' if rows else '  "relations": []')
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _text(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=0).decode()


def from_json(content: bytes) -> DatabaseStatistics:
    """The statistics in a file. Raises ValueError saying what is wrong with it."""
    try:
        found = msgspec.json.decode(content, type=DatabaseStatistics)
    except msgspec.DecodeError as error:
        raise ValueError(str(error)) from None
    try:
        datetime.fromisoformat(found.written).astimezone(UTC)
    except ValueError:
        raise ValueError(f"written: {found.written!r} is no time") from None
    if found.version != VERSION:
        raise ValueError(f"version {found.version}; this migsafe reads {VERSION}")
    return found
