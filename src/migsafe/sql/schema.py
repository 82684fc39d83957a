"""A catalog from SQL text: DDL as people write it, or what `pg_dump --schema-only` prints."""

import msgspec

from migsafe.model.after import apply
from migsafe.model.catalog import Catalog
from migsafe.model.effects import Effects
from migsafe.model.lookup import Lookup, remember
from migsafe.sql.predict import predict
from migsafe.sql.split import Piece, split


def read(text: str, server_version: int = 18) -> Catalog:
    """The schema that a text of statements builds; complete, so what is not in it does not exist.

    INSERT and COPY tell that a table is not empty (`rows` is then None). What the grammar rejects and what cannot be
    understood is passed over: the schema is not complete then.
    """
    return read_noting(text, server_version)[0]


def read_noting(text: str, server_version: int = 18) -> tuple[Catalog, tuple[Piece, ...]]:
    """The schema of a text, as `read` has it, and what was passed over, each with its `error`."""
    catalog = Catalog(
        relations={},
        columns={},
        constraints={},
        indexes={},
        types={},
        extensions={},
        volatility={},
        triggers={},
        rules={},
        policies={},
        statistics={},
        functions={},
        publications={},
        event_triggers={},
        server_version=server_version,
        timezone="UTC",
        complete=True,
    )
    ways = Lookup()
    remember(catalog, ways)
    passed_over: list[Piece] = []
    for piece in split(text):
        effects = predict(piece.sql, catalog, server_version) if piece.error is None else Effects(unknown=piece.error)
        if effects.unknown is not None:
            passed_over.append(msgspec.structs.replace(piece, error=effects.unknown))
        apply(catalog, ways, effects)
        catalog = with_settings(catalog, effects)
        remember(catalog, ways)
    if passed_over:
        catalog = msgspec.structs.replace(catalog, complete=False)
        remember(catalog, ways)
    return catalog, tuple(passed_over)


def with_settings(catalog: Catalog, effects: Effects) -> Catalog:
    """`catalog` for the statement after the one with these effects.

    SET search_path and SET timezone hold for what follows, those of ALTER DATABASE for later sessions.
    """
    for setting in (*effects.settings, *effects.database_settings):
        if setting.name == "search_path":
            given = (part.strip().strip('"') for part in (setting.value or "").split(","))
            path = tuple(part for part in given if part and part != "$user")
            catalog = msgspec.structs.replace(catalog, search_path=path or ("public",))
        elif setting.name == "timezone":
            catalog = msgspec.structs.replace(catalog, timezone=setting.value or "UTC")
    return catalog
