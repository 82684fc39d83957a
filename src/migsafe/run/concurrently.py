"""Runs CONCURRENTLY statements: knows before, beside and after each what is its own, and who is in the way."""

from collections.abc import Callable, Iterator
from contextlib import suppress

import msgspec
import psycopg

from migsafe.journal import Journal
from migsafe.model.effects import Effects
from migsafe.model.run import Blocker
from migsafe.postgres import progress, session
from migsafe.revisions.watch import Call
from migsafe.run import reconcile, seen
from migsafe.run.beside import Beside, attended
from migsafe.run.current import Current, Told
from migsafe.run.entry import Entry
from migsafe.run.forecast import forecast, sentence


class Concurrently:
    """For all such statements of a run. What it asks the server, it asks on the connection of `entry`.

    `in_the_way` is whom the last of them waited for when it was last looked.
    """

    def __init__(
        self, entry: Entry, journal: Journal, schema: str | None, told: Told, emit: Callable[..., None]
    ) -> None:
        self.entry, self.journal, self.schema, self.told, self.emit = entry, journal, schema, told, emit
        self.in_the_way: tuple[Blocker, ...] = ()

    def refuse_invalid(self, call: Call, current: Current) -> None:
        """Never "already exists, fine" over an invalid index: what CREATE INDEX is about to find is looked at first."""
        self.in_the_way = ()
        effects = [each.effects for each in self.entry.coming(call)] if current.effects is None else [current.effects]
        for each in effects:
            if call.autocommit or each.if_not_exists:
                reconcile.refuse_invalid(self.entry.own, each, _where(current))

    def look(self, current: Current) -> None:
        """See what the catalog has before the statement."""
        assert current.effects is not None
        current.seen = seen.look(self.entry.own, current.effects)

    def reconciled(self, current: Current, effects: Effects) -> bool:
        """Whether the statement, which an earlier attempt began, did its work; half of it is cleared away."""
        self.in_the_way = ()
        current.seen = seen.read(current.recorded[current.number].found)
        found = reconcile.reconcile(self.entry.own, effects, current.seen, self.told, _where(current))
        current.instead = found.instead
        return found.done

    def attend(self, call: Call, current: Current, run: Callable[[], None]) -> None:
        """Run the statement, or what is left of it to do, with somebody beside it. Raises beside.Outwaited."""
        assert current.effects is not None
        name, pid, instead = seen.name_of(current.effects), session.backend_pid(call.connection), current.instead
        work = run if instead is None else lambda: call.execute(instead)
        known, beside = len(self.entry.ended), None
        try:
            self._forecast(name, current.effects, pid)
            if pid is None:
                work()
            else:
                beside = self._beside(name, pid, current)
                attended(work, beside, _where(current))
        finally:
            self.in_the_way = beside.blockers if beside is not None else ()
            self.tell_ended(known)

    def clear(self, current: Current) -> Iterator[str]:
        """Clear away what the statement, which has failed, left behind; sentences on what could not be."""
        if current.effects is not None:
            note = lambda oid: self._made(current, oid)  # noqa: E731
            yield from reconcile.clear(self.entry.own, current.effects, current.seen, self.told, note)

    def tell_ended(self, known: int) -> None:
        """Tell of the sessions that were ended since there were `known`."""
        for said in self.entry.ended[known:]:
            self.journal.write("terminated", said=said)
            self.emit("terminated", message=said)

    def _beside(self, name: str, pid: int, current: Current) -> Beside:
        return Beside(
            name,
            pid,
            own=self.entry.own,
            manners=self.entry.manners,
            told=self.told,
            on_blocked=self.entry.on_blocked,
            emit=self.emit,
            made=lambda oid: self._made(current, oid),
            end_idle=self.entry.end_idle,
        )

    def _forecast(self, name: str, effects: Effects, pid: int | None) -> None:
        found = forecast(self.entry.own, effects, pid, self.entry.manners.queue_behind)
        if found:
            self.told(sentence(name, found), None)
            self.emit("forecast", statement=name, blockers=msgspec.to_builtins(found))
            self.entry.end_idle(tuple(each.pid for each in found))

    def _made(self, current: Current, oid: int) -> None:
        """Note, where the next run finds it, that index `oid` is of the statement that is running."""
        before = current.seen
        if before is None or oid in (*before.valid, *before.invalid, *before.made):
            return
        current.seen = before.with_made(oid)
        # A role that may not write there can still go on: the next run knows the index by what it looks like.
        with suppress(psycopg.errors.InsufficientPrivilege):
            progress.note(self.entry.own, self.schema, current.revision, current.number, current.seen.text())


def _where(current: Current) -> str:
    return f"{current.path}:{current.place.line}: " if current.place is not None else ""
