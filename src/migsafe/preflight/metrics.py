"""Free bytes as a monitoring system knows them: Prometheus, or the node_exporter beside the server."""

import base64
import json
import math
import re
import urllib.error
import urllib.parse
import urllib.request

TIMEOUT_SECONDS = 10.0
_MOST = 20 * 1024**2
# One line of the text format: name{label="value",…} number. A value escapes \\, \" and a line feed.
_SAMPLE = re.compile(r"^(\w+)\{((?:[^\"}]|\"(?:[^\"\\]|\\.)*\")*)\}\s+(\S+)", re.MULTILINE)
_LABEL = re.compile(r"(\w+)=\"((?:[^\"\\]|\\.)*)\"")


class Unanswered(Exception):
    """Why there is no number, and `remedy` what to do."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


def from_prometheus(url: str, query: str | None) -> int:
    """The one number that `query` is at the Prometheus server `url` (its HTTP API: /api/v1/query), in bytes.

    Raises Unanswered when there is none, or more than one.
    """
    if query is None:
        raise Unanswered("prometheus_url is set and prometheus_query is not", "Set prometheus_query in the settings.")
    words = urllib.parse.urlencode({"query": query})
    remedy = "Ask the same in Prometheus itself until it answers with one number, then set prometheus_query so."
    try:
        said = json.loads(_get(f"{url.rstrip('/')}/api/v1/query?{words}", "prometheus_url"))
        result = said["data"]["result"]
        values = [result] if said["data"]["resultType"] == "scalar" else [each["value"] for each in result]
        numbers = [float(value) for _, value in values]
    except (ValueError, KeyError, TypeError):
        raise Unanswered("prometheus_url does not answer as Prometheus does", "Is it the server's root?") from None
    if len(numbers) != 1:
        raise Unanswered(f"prometheus_query is {len(numbers)} series, not one", remedy)
    return _whole(numbers[0], "prometheus_query", remedy)


def from_node_exporter(url: str, mountpoint: str | None) -> tuple[int, int | None]:
    """Bytes available and in total of the file system at `mountpoint`, in the metrics of a node_exporter.

    Raises Unanswered when they are not there.
    """
    if mountpoint is None:
        remedy = "Set mountpoint in the settings: the one that holds the data directory (`df`)."
        raise Unanswered("node_exporter_url is set and mountpoint is not", remedy)
    text = _get(url, "node_exporter_url").decode("utf-8", errors="replace")
    found = {name: _at(text, f"node_filesystem_{name}_bytes") for name in ("avail", "size")}
    if not found["avail"]:
        remedy = "Set node_exporter_url to its metrics: http://HOST:9100/metrics."
        raise Unanswered("node_exporter_url has no node_filesystem_avail_bytes", remedy)
    if mountpoint not in found["avail"]:
        there = ", ".join(sorted(found["avail"]))
        raise Unanswered(f"node_exporter knows no mountpoint {mountpoint}", f"Set mountpoint to one of {there}.")
    total = found["size"].get(mountpoint)
    remedy = "See what node_exporter_url shows for this mountpoint."
    available = _whole(found["avail"][mountpoint], "node_filesystem_avail_bytes", remedy)
    return available, None if total is None or math.isnan(total) else int(total)


def _at(text: str, metric: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, labels, value in _SAMPLE.findall(text):
        mountpoint = dict(_LABEL.findall(labels)).get("mountpoint")
        if name == metric and mountpoint is not None:
            found[mountpoint] = float(value) if re.fullmatch(r"[-+.\deE]+", value) else math.nan
    return found


def _whole(number: float, what: str, remedy: str) -> int:
    if not math.isfinite(number) or number < 0:
        raise Unanswered(f"{what} is {number}, no number of bytes", remedy)
    return int(number)


def _get(url: str, setting: str) -> bytes:
    """The body at `url`; a user and password in it are sent as basic authentication, and never shown."""
    try:
        parts = urllib.parse.urlsplit(url)
    except ValueError:
        parts = urllib.parse.urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Unanswered(f"{setting} is no http:// or https:// URL", f"Set {setting} to one.")
    host = parts.netloc.rpartition("@")[2]
    request = urllib.request.Request(urllib.parse.urlunsplit(parts._replace(netloc=host)))  # noqa: S310  http and https only
    if parts.username is not None:
        pair = f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"
        # Unredirected: where a redirection leads, the password is none of anybody's business.
        request.add_unredirected_header("Authorization", f"Basic {base64.b64encode(pair.encode()).decode()}")
    remedy = f"Is it up, and may this machine reach it? curl {parts.scheme}://{host}{parts.path}"
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:  # noqa: S310  see above
            body: bytes = response.read(_MOST)
            return body
    except urllib.error.HTTPError as error:
        error.close()
        raise Unanswered(f"{setting} ({host}) answers {error.code}", remedy) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise Unanswered(f"{setting} ({host}) does not answer: {reason}", remedy) from None
