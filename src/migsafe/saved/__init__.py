"""Undo of data: rows are saved before a statement destroys them, and put back when that is asked for."""

from migsafe.saved.concluding import conclude, discard
from migsafe.saved.estimate import Estimate, estimate
from migsafe.saved.files import DIRECTORY, Damaged, NotSaved
from migsafe.saved.manifest import has_saved
from migsafe.saved.meanwhile import CatchUp
from migsafe.saved.parts import Losses, losses
from migsafe.saved.restoring import restore
from migsafe.saved.saving import save, summary

__all__ = [
    "losses",
    "Losses",
    "estimate",
    "Estimate",
    "save",
    "summary",
    "has_saved",
    "restore",
    "CatchUp",
    "conclude",
    "discard",
    "DIRECTORY",
    "Damaged",
    "NotSaved",
]
