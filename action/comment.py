"""Write the comment of `migsafe lint --format markdown` on the pull request: `comment.py FILE`.

There is one such comment: the first line of the file marks it, and a comment that begins with that line is updated.
Reads GITHUB_REPOSITORY, GITHUB_EVENT_PATH, GITHUB_TOKEN and GITHUB_API_URL. Standard library only. Never fails a
build: what could not be written is a warning.
"""

import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PAGE = 100
NOTHING = "<!-- nothing to say -->"
PERMISSION = (
    "Give the job `permissions: pull-requests: write`; the token of a pull request from a fork can only read. "
    "The comment is in the summary of the job."
)


def main(path: str) -> None:
    """Create or update the comment, unless there is nothing to say and none to update."""
    body = Path(path).read_text(encoding="utf-8")
    number = pull_request()
    if number is None:
        print("migsafe: this run is not about a pull request, so there is no comment")
        return
    marker, second = body.splitlines()[:2]
    issue = f"/repos/{os.environ['GITHUB_REPOSITORY']}/issues"
    for known in comments(f"{issue}/{number}/comments", marker):
        if same(known["body"], body) or updated(f"{issue}/comments/{known['id']}", body):
            return
    if second != NOTHING:
        ask("POST", f"{issue}/{number}/comments", {"body": body})


def pull_request() -> int | None:
    """The number of the pull request that the workflow runs for."""
    event = json.loads(Path(os.environ["GITHUB_EVENT_PATH"]).read_text(encoding="utf-8"))
    issue = event.get("issue", {})
    about = event.get("pull_request") or (issue if "pull_request" in issue else {})
    number = about.get("number")
    return number if isinstance(number, int) else None


def comments(address: str, marker: str) -> Iterator[dict[str, Any]]:
    """The comments that begin with `marker`, the oldest first."""
    page = 1
    while True:
        found = ask("GET", f"{address}?per_page={PAGE}&page={page}")
        yield from (comment for comment in found if (comment["body"] or "").startswith(marker))
        if len(found) < PAGE:
            return
        page += 1


def same(one: str, other: str) -> bool:
    return one.split() == other.split()


def updated(address: str, body: str) -> bool:
    """Whether the comment is ours to update; anybody may have written one that begins like it."""
    try:
        ask("PATCH", address, {"body": body})
    except urllib.error.HTTPError as error:
        if error.code not in (403, 404):
            raise
        return False
    return True


def ask(method: str, address: str, content: dict[str, str] | None = None) -> Any:
    """What GitHub's REST API answers. Raises urllib.error.URLError."""
    request = urllib.request.Request(
        os.environ.get("GITHUB_API_URL", "https://api.github.com") + address,
        method=method,
        data=None if content is None else json.dumps(content).encode(),
        headers={
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {os.environ['GITHUB_TOKEN']}",
            "Content-Type": "application/json",
            "X-GitHub-Api-Version": "2022-11-28",
        },
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except urllib.error.HTTPError as error:
        remedy = PERMISSION if error.code in (401, 403, 404) else "The comment is in the summary of the job."
        print(f"::warning title=migsafe::The comment could not be written ({error.code} {error.reason}). {remedy}")
    except (OSError, KeyError, ValueError) as error:
        print(f"::warning title=migsafe::The comment could not be written ({type(error).__name__}: {error}).")
