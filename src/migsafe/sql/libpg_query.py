"""The four functions of libpg_query that we call, in the shared library that postgast brings.

`import postgast` takes 80 ms for its own wrappers of every node and for protobuf's pure Python; this takes 2 ms.
"""

import ctypes
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from migsafe.errors import ToolMissing

_LIBRARIES = ("libpg_query.so", "libpg_query.dylib", "pg_query.dll")


class Rejected(Exception):
    """What libpg_query says of a text; `position` in characters from 0, None when it has none."""

    def __init__(self, message: str, position: int | None) -> None:
        super().__init__(message)
        self.message = message
        self.position = position


class _Error(ctypes.Structure):
    _fields_ = (
        ("message", ctypes.c_char_p),
        ("function", ctypes.c_char_p),
        ("file", ctypes.c_char_p),
        ("line", ctypes.c_int),
        ("position", ctypes.c_int),
        ("context", ctypes.c_char_p),
    )


class _Bytes(ctypes.Structure):
    _fields_ = (("length", ctypes.c_size_t), ("data", ctypes.c_void_p))


class _Tree(ctypes.Structure):
    """PgQueryProtobufParseResult and PgQueryScanResult of pg_query.h."""

    _fields_ = (("value", _Bytes), ("stderr", ctypes.c_char_p), ("error", ctypes.POINTER(_Error)))


class _Text(ctypes.Structure):
    """PgQueryDeparseResult and PgQueryPlpgsqlParseResult of pg_query.h."""

    _fields_ = (("value", ctypes.c_char_p), ("error", ctypes.POINTER(_Error)))


def folder() -> Path:
    """Where postgast keeps the library and the description of its nodes; found without importing it."""
    spec = find_spec("postgast")
    if spec is None or not spec.submodule_search_locations:
        raise ToolMissing("postgast is not installed", "Install it: pip install 'postgast>=0.2'.")
    return Path(spec.submodule_search_locations[0])


def _load() -> ctypes.CDLL:
    for name in _LIBRARIES:
        if (path := folder() / name).is_file():
            return ctypes.CDLL(str(path))
    raise ToolMissing(f"postgast in {folder()} has no libpg_query", "Install its wheel: pip install 'postgast>=0.2'.")


_library = _load()


def _function(name: str, free: str, argument: Any, result: type[ctypes.Structure]) -> tuple[Any, Any]:
    call, release = _library[name], _library[free]
    call.argtypes, call.restype = [argument], result
    release.argtypes, release.restype = [result], None
    return call, release


_PARSE = _function("pg_query_parse_protobuf", "pg_query_free_protobuf_parse_result", ctypes.c_char_p, _Tree)
_SCAN = _function("pg_query_scan", "pg_query_free_scan_result", ctypes.c_char_p, _Tree)
_DEPARSE = _function("pg_query_deparse_protobuf", "pg_query_free_deparse_result", _Bytes, _Text)
_PLPGSQL = _function("pg_query_parse_plpgsql", "pg_query_free_plpgsql_parse_result", ctypes.c_char_p, _Text)


def parse(text: str) -> bytes:
    """The ParseResult of a text without NUL, serialized. Raises Rejected, and UnicodeEncodeError for a surrogate."""
    return _call(_PARSE, text.encode())


def scan(text: str) -> bytes:
    """The ScanResult of a text, serialized. Raises as parse() does."""
    return _call(_SCAN, text.encode())


def deparse(tree: bytes) -> str:
    """The SQL text of a serialized ParseResult. Raises Rejected."""
    buffer = ctypes.create_string_buffer(tree, len(tree))
    return _call(_DEPARSE, _Bytes(len(tree), ctypes.cast(buffer, ctypes.c_void_p).value)).decode()


def plpgsql(text: str) -> str:
    """The functions of a CREATE FUNCTION … LANGUAGE plpgsql as JSON. Raises as parse() does."""
    return _call(_PLPGSQL, text.encode()).decode()


def _call(function: tuple[Any, Any], argument: bytes | _Bytes) -> bytes:
    call, free = function
    result = call(argument)
    try:
        if result.error:
            raise _rejected(result.error.contents)
        if isinstance(result, _Tree):
            return ctypes.string_at(result.value.data, result.value.length)
        return result.value or b""
    finally:
        free(result)


def _rejected(error: _Error) -> Rejected:
    message = (error.message or b"unknown error").decode(errors="replace")
    position = error.position - 1  # PostgreSQL counts characters from 1 (measured)
    return Rejected(message, position if position >= 0 else None)
