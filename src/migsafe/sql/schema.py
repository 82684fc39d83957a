"""A catalog from SQL text: DDL as people write it, or what `pg_dump --schema-only` prints."""

import msgspec

from migsafe.model.after import apply
from migsafe.model.catalog import Catalog
from migsafe.model.effects import Effects
from migsafe.model.lookup import Lookup, remember
from migsafe.sql.predict import predict
from migsafe.sql.split import split


def read(text: str, server_version: int = 18) -> Catalog:
    """The schema that a text of statements builds; complete, so what is not in it does not exist.

    INSERT and COPY tell that a table is not empty (`rows` is then None); what the grammar rejects and what is not
    understood is passed over.
    """
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
        server_version=server_version,
        timezone="UTC",
        complete=True,
    )
    ways = Lookup()
    remember(catalog, ways)
    for piece in split(text):
        if piece.error is None:
            effects = predict(piece.sql, catalog, server_version)
            apply(catalog, ways, effects)
            following = _with_settings(catalog, effects)
            if following is not catalog:
                catalog = following
            remember(catalog, ways)
    return catalog


def _with_settings(catalog: Catalog, effects: Effects) -> Catalog:
    """SET search_path and SET timezone hold for what follows, those of ALTER DATABASE for later sessions."""
    for setting in (*effects.settings, *effects.database_settings):
        if setting.name == "search_path":
            given = (part.strip().strip('"') for part in (setting.value or "").split(","))
            path = tuple(part for part in given if part and part != "$user")
            catalog = msgspec.structs.replace(catalog, search_path=path or ("public",))
        elif setting.name == "timezone":
            catalog = msgspec.structs.replace(catalog, timezone=setting.value or "UTC")
    return catalog
