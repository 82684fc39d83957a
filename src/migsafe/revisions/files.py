"""Which revision a file is."""

import ast
from collections.abc import Iterable
from pathlib import Path

from migsafe.revisions.config import Environment, loading


def revisions_in(environment: Environment, paths: Iterable[Path]) -> dict[Path, str]:
    """The revisions of `environment` whose files are among `paths`, by those paths; other paths are left out.

    Raises RevisionError where the revision files cannot be loaded.
    """
    with loading(environment):
        known = {Path(script.path).resolve(): script.revision for script in environment.script.walk_revisions()}
    return {path: known[path.resolve()] for path in paths if path.resolve() in known}


def looks_like_a_revision(path: Path) -> bool:
    """Whether the file sets both `revision` and `down_revision`, as Alembic's template does."""
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return False
    named: set[str] = set()
    for node in tree.body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        named |= {target.id for target in targets if isinstance(target, ast.Name)}
    return {"revision", "down_revision"} <= named
