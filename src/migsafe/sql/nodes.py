"""The nodes of libpg_query's parse trees: `pb.AlterTableStmt`, `pb.AT_AddColumn`, `pb.ObjectType.Name(…)`."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from google.protobuf.message import DecodeError, Message

from migsafe.sql.libpg_query import folder

if TYPE_CHECKING:
    from postgast import pg_query_pb2 as pb

__all__ = ["DecodeError", "Message", "pb"]


class _Nodes:
    """The names of postgast.pg_query_pb2, each made when it is first used.

    The description of the nodes is given to upb, protobuf's own engine, directly: protobuf's public way to it imports
    30 ms of pure Python that upb does not use.
    """

    def __init__(self, upb: Any) -> None:
        # Protobuf stops at 100 levels of nesting, which is a chain of 45 operators; upb has a switch for that.
        upb.SetAllowOversizeProtos(True)
        pool = upb.DescriptorPool()
        for file in _files((folder() / "pg_query.desc").read_bytes()):
            pool.AddSerializedFile(file)
        self._meta = upb.MessageMeta
        self._pool = pool
        self._file = pool.FindFileByName("pg_query.proto")
        for enum in self._file.enum_types_by_name.values():
            vars(self).update((value.name, value.number) for value in enum.values)
        self.ParseResult = self._message("ParseResult")

    def _message(self, name: str) -> Any:
        described = self._file.message_types_by_name[name]
        return self._meta(name, (Message,), {"DESCRIPTOR": described, "__module__": __name__})

    def __getattr__(self, name: str) -> Any:
        if name in self._file.message_types_by_name:
            made = self._message(name)
        elif name in self._file.enum_types_by_name:
            from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper

            made = EnumTypeWrapper(self._file.enum_types_by_name[name])
        else:
            raise AttributeError(name)
        setattr(self, name, made)
        return made


def _files(described: bytes) -> Iterator[bytes]:
    """The files of a serialized FileDescriptorSet, whose only field is 1, repeated: a tag, a varint length, a file."""
    position = 0
    while position < len(described):
        assert described[position] == 0x0A
        length = shift = 0
        while True:
            position += 1
            byte = described[position]
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        position += 1
        yield described[position : position + length]
        position += length


def _load() -> Any:
    try:
        from google._upb import _message

        return _Nodes(_message)
    except (ImportError, AttributeError, TypeError, AssertionError, OSError):
        # A platform without upb, or a protobuf whose inside is another: slower, and shallower, but the same nodes.
        from postgast import pg_query_pb2

        return pg_query_pb2


if not TYPE_CHECKING:
    pb = _load()
