"""What relations and columns were called before the run: renames are followed through the plan."""

from migsafe.model.after import after
from migsafe.model.catalog import Catalog, Column, Relation
from migsafe.model.effects import Effects


class Names:
    """Follows a plan statement by statement.

    `catalog` is the schema before it, `now_catalog` as the next statement finds it. `touched` are the present names of
    relations whose rows or columns are not any more what they were.
    """

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = self.now_catalog = catalog
        self.touched: set[str] = set()
        self._relations = {name: name for name in catalog.relations}
        self._columns: dict[tuple[str, str], str | None] = {}

    def before(self, now: str) -> str | None:
        """The relation that is called `now` at this point of the plan, as it was called before; None: it is new."""
        return self._relations.get(now)

    def now(self, before: str) -> str | None:
        """The other way; None: it is gone."""
        return next((now for now, old in self._relations.items() if old == before), None)

    def column_before(self, relation: str, column: str) -> tuple[str, str] | None:
        """Relation and column as they were called before; None: the column is new."""
        known = self._relations.get(relation)
        if known is None:
            return None
        old = self._columns.get((known, column), column)
        return (known, old) if old is not None and old in self.catalog.columns.get(known, {}) else None

    def follow(self, effects: Effects) -> None:
        """Go on to the next statement."""
        for rename in effects.renames:
            self._rename(rename.old.of, rename.old.name, rename.new.name)
        for dropped in effects.drops:
            if dropped.kind == "column" and dropped.of in self._relations:
                self._columns[self._relations[dropped.of], dropped.name] = None
            elif dropped.of is None:
                self._relations.pop(dropped.name, None)
        for made in effects.creates:
            if isinstance(made, Column) and made.relation in self._relations:
                self._columns[self._relations[made.relation], made.name] = None
            elif isinstance(made, Relation):
                self._relations.pop(made.name, None)
        self.touched |= {each.relation for each in effects.writes} | set(effects.truncates)
        self.touched |= {each.after.relation for each in effects.alters if isinstance(each.after, Column)}
        self.touched |= {each.relation for each in effects.creates if isinstance(each, Column)}
        self.touched |= {each.of for each in effects.drops if each.kind == "column" and each.of}
        if effects.unknown is not None:
            self.touched |= set(self._relations)
        self.now_catalog = after(self.now_catalog, effects)

    def _rename(self, of: str | None, old: str, new: str) -> None:
        if of is None:
            if old in self._relations:
                self._relations[new] = self._relations.pop(old)
                self.touched.add(new)
        elif of in self._relations:
            relation = self._relations[of]
            self._columns[relation, new] = self._columns.pop((relation, old), old)
            self._columns[relation, old] = None
            self.touched.add(of)
