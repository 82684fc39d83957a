"""Does somebody listen at host:port?"""

import socket

from migsafe.model.own_checks import OwnCheck
from migsafe.own_checks import variables
from migsafe.own_checks.asking import Ask
from migsafe.own_checks.found import Found
from migsafe.own_checks.network import address


def prepare(check: OwnCheck) -> Ask:
    text = check.tcp or ""
    if "${" not in text:
        address(text, f"check {check.name}: tcp")
    return lambda _asking: variables.unset(text) or _connect(variables.filled(text), check)


def _connect(text: str, check: OwnCheck) -> Found:
    with socket.create_connection(address(text, f"check {check.name}: tcp"), check.timeout):
        return Found("held", f"{text} takes connections.")
