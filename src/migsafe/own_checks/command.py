"""A program of the team: its exit code, and what it printed."""

import os
import re
import shlex
import signal
import subprocess
import tempfile
from contextlib import suppress
from typing import IO

from migsafe.errors import UsageError
from migsafe.model.own_checks import OwnCheck
from migsafe.own_checks.asking import Ask, Asking
from migsafe.own_checks.found import Found, judged

_READ = 1024 * 1024
_SHOWN = 200


def prepare(check: OwnCheck) -> Ask:
    """Words as a shell cuts them, and no shell: nothing in them is expanded."""
    try:
        words = shlex.split(check.command) if isinstance(check.command, str) else list(check.command or ())
    except ValueError as error:
        raise UsageError(f"check {check.name}: command: {error}", "Close the quotation, or write a list.") from None
    if not words or not words[0]:
        raise UsageError(f"check {check.name}: command is empty", 'Write command = ["kubectl", "get", "pods"].')
    try:
        pattern = re.compile(check.output) if check.output is not None else None
    except re.error as error:
        raise UsageError(
            f"check {check.name}: output is no regular expression: {error}", "Escape what is meant as it is."
        ) from None
    return lambda asking: _judged(words, pattern, check, asking)


def _judged(words: list[str], pattern: re.Pattern[str] | None, check: OwnCheck, asking: Asking) -> Found:
    program = words[0]
    try:
        code, printed = _run(words, asking.directory, check.timeout)
    except subprocess.TimeoutExpired:
        remedy = "Run it by hand to see what it waits for, or raise its timeout."
        return Found("unseen", f"{program} did not end within {check.timeout:g} s, and was killed.", remedy)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        remedy = f"Install it, or mend its path: it is run in {asking.directory}."
        return Found("unseen", f"{program} cannot be run: {why}.", remedy)
    last = _last_line(printed) if asking.show_data else ""
    ending = f"was ended by signal {-code}" if code < 0 else f"ended with {code}"
    said = f"; it printed last: {last}" if last else ""
    if code != check.exit_code:
        return Found(
            "failed", f"{program} {ending}, not {check.exit_code}{said}", expected=str(check.exit_code), found=str(code)
        )
    if pattern is not None and pattern.search(printed) is None:
        return Found(
            "failed",
            f"{program} {ending}, and printed nothing like /{pattern.pattern}/{said}",
            expected=pattern.pattern,
        )
    return judged(True, f"{program} {ending}.", expected=str(check.exit_code), found=str(code))


def _run(words: list[str], directory: str, timeout: float) -> tuple[int, str]:
    """Exit code, and the last megabyte of what was printed to both streams.

    A file and no pipe: what a program leaves running in the background holds a pipe open. A group of its own, for all
    of it to be killed.
    """
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            words,
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code = process.wait(timeout)
        except BaseException:
            with suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        return code, _tail(output)


def _tail(output: IO[bytes]) -> str:
    size = output.seek(0, os.SEEK_END)
    output.seek(max(0, size - _READ))
    return output.read(_READ).decode("utf-8", errors="replace")


def _last_line(printed: str) -> str:
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    return lines[-1][:_SHOWN] if lines else ""
