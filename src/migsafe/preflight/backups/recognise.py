"""Which tool a text is from: its content tells, never its name."""

import json
from types import ModuleType
from typing import Any

from migsafe.preflight.backups import barman, pgbackrest, statement, wal_g
from migsafe.preflight.backups.found import Found, NotEvidence

_TOOLS: tuple[ModuleType, ...] = (pgbackrest, wal_g, statement, barman)
_NAGIOS = "BARMAN "
KNOWN = "pgBackRest (info --output=json), Barman (-f json list-backups), WAL-G (backup-list --json --detail)"


def is_text_of_a_tool(head: bytes) -> bool:
    """Whether a file that begins with `head` is JSON, or what `barman check --nagios` prints, and no dump."""
    begin = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    return not begin or begin[:1] in (b"{", b"[") or begin.startswith(_NAGIOS.encode())


def recognise(text: str, identifier: str | None) -> Found:
    """What `text` says of the backups of the cluster `identifier` (None: not known). Raises NotEvidence."""
    documents = _documents(text)
    if documents[0] == []:
        raise NotEvidence("is an empty list: the tool knows of no backup")
    module = next((each for each in _TOOLS if each.is_it(documents)), None)
    if module is None:
        raise NotEvidence(f"is JSON, and of no tool that migsafe knows{_keys(documents[0])}")
    try:
        found: Found = module.read(documents, identifier)
    except KeyError as error:
        raise NotEvidence(f"lacks {error}: it is not all of what the tool prints") from None
    except (TypeError, ValueError, AttributeError) as error:
        raise NotEvidence(f"is not what the tool prints ({error})") from None
    return found


def _documents(text: str) -> list[Any]:
    """The JSON documents of `text`, one after the other, and lines of `barman check --nagios` as they are."""
    rest, found, decoder = text.lstrip("\ufeff").strip(), [], json.JSONDecoder()
    while rest:
        if rest.startswith(_NAGIOS):
            line, _, rest = rest.partition("\n")
            found.append(line)
        else:
            try:
                document, end = decoder.raw_decode(rest)
            except (json.JSONDecodeError, RecursionError) as error:
                raise NotEvidence(_broken(rest, error)) from None
            found.append(document)
            rest = rest[end:]
        rest = rest.strip()
    if not found:
        raise NotEvidence("is empty")
    return found


def _broken(rest: str, error: Exception) -> str:
    at = getattr(error, "pos", 0)
    if rest[:1] in "[{" and (at >= len(rest) - 1 or rest[-1] not in "]}"):
        return "is cut: the JSON has no end"
    return f"is no JSON: {getattr(error, 'msg', error)} in line {getattr(error, 'lineno', 1)}"


def _keys(document: Any) -> str:
    first = document[0] if isinstance(document, list) and document else document
    return f": its keys are {', '.join(sorted(map(str, first))[:8])}" if isinstance(first, dict) else ""
