"""Questions over a network: never longer than their timeout, and what their errors mean."""

import errno
import re
import socket
import ssl
import threading
from collections.abc import Callable

from migsafe.errors import UsageError
from migsafe.own_checks.found import Found

# Name resolution has no timeout of its own, and a server may send a byte a second: the question is left to itself.
_GRACE = 1.0
_NO_WAY = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EACCES, errno.EPERM)
_ADDRESS = re.compile(r"(?:\[([0-9a-fA-F:.%\w]+)\]|([^:\s/\[\]]+)):(\d{1,5})")


def begun(work: Callable[[], Found], place: str, timeout: float) -> Callable[[], Found]:
    """Start `work` beside us; what is returned waits for it, for `timeout` seconds at most, and never raises."""
    found: list[Found] = []

    def run() -> None:
        try:
            found.append(work())
        except UsageError as error:
            found.append(Found("unseen", f"{error.message}.", error.remedy))
        except OSError as error:
            found.append(no_answer(error, place, timeout))
        except Exception as error:  # what a stranger sends may break any parser; that is an answer of this check
            found.append(Found("failed", f"{place} sent what cannot be read ({type(error).__name__})."))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()

    def answer() -> Found:
        thread.join(timeout + _GRACE)
        return found[0] if found else no_answer(TimeoutError(), place, timeout)

    return answer


def no_answer(error: OSError, place: str, timeout: float) -> Found:
    """What an error of a socket says: a refusal is the answer; no name and no way to it is none."""
    match error:
        case TimeoutError():
            return Found("failed", f"{place} did not answer within {timeout:g} s.")
        case ssl.SSLCertVerificationError():
            return Found("failed", f"{place} has a certificate that does not hold: {error.verify_message}.")
        case ssl.SSLError():
            return Found("failed", f"{place} does not speak TLS as expected: {error.reason or 'no reason given'}.")
        case socket.gaierror():
            remedy = "Ask from a machine that knows the name, or mend it in the settings."
            return Found("unseen", f"{place}: its name cannot be resolved here.", remedy)
        case OSError() if error.errno in _NO_WAY:
            return Found(
                "unseen", f"There is no way from here to {place}: {error.strerror}.", "Ask from inside its network."
            )
        case ConnectionRefusedError():
            return Found("failed", f"{place} refuses the connection.")
    return Found("failed", f"{place} broke the connection off: {error.strerror or type(error).__name__}.")


def address(text: str, key: str) -> tuple[str, int]:
    """Host and port of `host:port` or `[::1]:port`. Raises UsageError naming `key`."""
    match = _ADDRESS.fullmatch(text.strip())
    if match is None or not 0 < int(match[3]) < 65536:
        raise UsageError(f"{key}: this is not host:port", 'Write it like "queue.internal:5672" or "[::1]:5672".')
    return match[1] or match[2], int(match[3])
