"""The schema before a range, kept between calls: reading hundreds of old revisions takes longer than linting a new one.

An answer is kept by the contents of all that it was made of: the revisions themselves, env.py, the configuration, the
modules of the project that were loaded meanwhile, and the versions of what read them. What else a revision looks at
(the time, environment variables) does not count.
"""

import hashlib
import importlib.metadata
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from migsafe import rundir
from migsafe.model.catalog import Catalog
from migsafe.preview import schema_at
from migsafe.revisions.config import Environment
from migsafe.revisions.read import steps_between
from migsafe.settings import Settings

# Fewer are read again as fast as they are looked up.
WORTHWHILE = 30
_KEPT = 8
_READERS = ("alembic", "sqlalchemy", "msgspec", "postgast")


class _Known(msgspec.Struct, frozen=True):
    """`modules` are files of the project that were loaded, each with the digest of its content."""

    modules: tuple[tuple[str, str], ...]
    catalog: Catalog


def known_schema_at(environment: Environment, heads: tuple[str, ...], settings: Settings) -> Catalog:
    """As `schema_at`, from `.migsafe/cache` beside the runs where nothing has changed since; never raises for that."""
    revisions = [step.revision.path for step in steps_between(environment, heads, "upgrade", ())] if heads else []
    if len(revisions) < WORTHWHILE:
        return schema_at(environment, heads)
    place = rundir.folder(settings).parent / "cache" / f"{_key(environment, heads, revisions)}.schema"
    known = _read(place)
    if known is not None:
        return known.catalog
    catalog = schema_at(environment, heads)
    _keep(place, _Known(tuple(_modules(revisions)), catalog))
    return catalog


def _key(environment: Environment, heads: Iterable[str], revisions: Iterable[str]) -> str:
    # What was found by way of the path of modules is among those that are looked at one by one.
    source = msgspec.structs.replace(environment.source, path=())
    digest = hashlib.sha256(msgspec.json.encode((sorted(heads), source, sys.version)))
    for name in _READERS:
        digest.update(importlib.metadata.version(name).encode())
    for own in sorted(Path(__file__).parent.rglob("*.py")):
        # Nobody edits them: when they were installed is enough.
        digest.update(str(own.stat().st_mtime_ns).encode())
    env = str(Path(environment.script.dir, "env.py"))
    for path in (*source.files, env, *sorted(revisions)):
        digest.update(path.encode())
        digest.update(_content(Path(path)))
    return digest.hexdigest()[:40]


def _content(path: Path) -> bytes:
    try:
        return hashlib.sha256(path.read_bytes()).digest()
    except OSError:
        return b""


def _modules(revisions: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The modules that are neither installed nor Python's nor revisions."""
    installed = tuple(str(Path(sysconfig.get_path(name)).resolve()) for name in ("stdlib", "purelib", "platlib"))
    apart = {str(Path(path).resolve()) for path in revisions}
    own = str(Path(__file__).parent)
    for module in tuple(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and not file.startswith((*installed, own, "<")):
            path = Path(file).resolve()
            if str(path) not in apart and path.is_file():
                yield str(path), _content(path).hex()


def _read(place: Path) -> _Known | None:
    try:
        known = msgspec.msgpack.decode(place.read_bytes(), type=_Known)
    except (OSError, msgspec.DecodeError):
        return None
    return known if all(_content(Path(path)).hex() == digest for path, digest in known.modules) else None


def _keep(place: Path, known: _Known) -> None:
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        (place.parent / ".gitignore").write_text("*\n", encoding="utf-8")
        rundir.write(place, msgspec.msgpack.encode(known))
        old = sorted(place.parent.glob("*.schema"), key=lambda path: -path.stat().st_mtime_ns)[_KEPT:]
        for path in old:
            path.unlink(missing_ok=True)
    except OSError:
        # A folder that cannot be written to costs time, not the answer.
        return
