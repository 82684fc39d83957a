"""Looks for the password in everything that was printed and written."""

import gzip
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote

from migsafe.demo.surprise import surprise


def search(secret: str, places: Iterable[Path]) -> tuple[int, int]:
    """Look for `secret`, as it is and as URLs and JSON spell it, in files and folders; how many files, how many bytes.

    Compressed data of a dump is unpacked first. Raises Surprise naming the first file that has it.
    """
    spellings = {spelling.encode() for spelling in (secret, quote(secret), quote(secret, safe=""), json.dumps(secret))}
    looked = size = 0
    for path in _files(places):
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        if any(spelling in content for spelling in spellings):
            surprise(f"the password is in {path}")
        looked, size = looked + 1, size + len(content)
    return looked, size


def _files(places: Iterable[Path]) -> Iterator[Path]:
    for place in places:
        yield from (path for path in (place, *place.rglob("*")) if path.is_file())
