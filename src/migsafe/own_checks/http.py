"""What does an address answer to GET: the status, and a value of its JSON?"""

import base64
import json
import urllib.error
import urllib.request
from http.client import HTTPMessage
from typing import IO
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from migsafe.errors import UsageError
from migsafe.model.own_checks import OwnCheck
from migsafe.own_checks import json_path, variables
from migsafe.own_checks.asking import Ask, Asking
from migsafe.own_checks.found import Found, judged

_READ = 1024 * 1024
# They say who may ask, and nothing about the health of what is asked.
_MAY_NOT = (401, 403, 407)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect is a status like any other: credentials go to nobody whom the settings do not name."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        return None


def prepare(check: OwnCheck) -> Ask:
    text, key = check.http or "", f"check {check.name}"
    if "${" not in text:
        _parsed(text, key)
    wanted = json_path.parse(check.json, f"{key}: json") if check.json is not None else None
    texts = (text, *check.headers.values())
    return lambda asking: variables.unset(*texts) or _get(_parsed(variables.filled(text), key), check, wanted, asking)


def place(text: str) -> str:
    """The URL without user, password, query and fragment: those may be secret.

    What `${NAME}` stands for may be so too: the name is shown, or only scheme and host where they come from one.
    """
    try:
        parts = urlsplit(text.strip())
        server = parts.netloc.rpartition("@")[2]
        if server and "${" not in server:
            return urlunsplit((parts.scheme, server, parts.path, "", ""))
        parts = urlsplit(variables.filled(text).strip())
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    except ValueError:
        return "the address"


def _parsed(text: str, key: str) -> SplitResult:
    try:
        parts = urlsplit(text.strip())
        is_known = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_known = False
    if not is_known:
        raise UsageError(
            f"{key}: http is not an http:// or https:// URL", 'Write it like "https://app.internal/health".'
        )
    return parts


def _get(url: SplitResult, check: OwnCheck, wanted: json_path.JsonComparison | None, asking: Asking) -> Found:
    where = place(check.http or "")
    status, body = _answer(_request(url, check), check.timeout)
    expected = "2xx" if check.status is None else str(check.status)
    is_expected = 200 <= status < 300 if check.status is None else status == check.status
    if not is_expected:
        if status in _MAY_NOT:
            remedy = 'Send what it asks for: headers = { Authorization = "Bearer ${TOKEN}" }.'
            return Found("unseen", f"{where} does not let us ask: it answers {status}.", remedy, expected, str(status))
        return Found("failed", f"{where} answers {status}, not {expected}.", expected=expected, found=str(status))
    if wanted is None:
        return judged(True, f"{where} answers {status}.", expected=expected, found=str(status))
    return _json(where, body, wanted, asking)


def _json(where: str, body: bytes, wanted: json_path.JsonComparison, asking: Asking) -> Found:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return Found("failed", f"{where} answers no JSON (or more than 1 MB of it).", expected=wanted.text)
    holds = wanted.holds(document)
    found = wanted.found(document) if asking.show_data else "not shown"
    said = f"{where}: {wanted.text}" if holds else f"{where}: expected {wanted.text}, found {found}"
    return judged(holds, f"{said}.", expected=wanted.text, found=found)


def _request(url: SplitResult, check: OwnCheck) -> urllib.request.Request:
    bare = urlunsplit((url.scheme, url.netloc.rpartition("@")[2], url.path or "/", url.query, ""))
    headers = {"User-Agent": "migsafe", "Accept": "application/json, */*"}
    if url.username is not None:
        login = f"{unquote(url.username)}:{unquote(url.password or '')}"
        headers["Authorization"] = f"Basic {base64.b64encode(login.encode()).decode()}"
    headers |= {name: variables.filled(value) for name, value in check.headers.items()}
    return urllib.request.Request(bare, headers=headers)  # noqa: S310 (http or https: _parsed() saw to it)


def _answer(request: urllib.request.Request, timeout: float) -> tuple[int, bytes]:
    """Status and the first megabyte. Certificates are verified, as urllib does by itself."""
    opener = urllib.request.build_opener(_NoRedirect)
    try:
        with opener.open(request, timeout=timeout) as response:
            return response.status, response.read(_READ)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(_READ)
    except urllib.error.URLError as error:
        raise error.reason if isinstance(error.reason, OSError) else error from None
