"""Origins: scheme, host and port, told apart as browsers do. Reads them; who may come in is the guard's rule.

A name is taken only as browsers write it: letters, digits and hyphens, no dot at the end, nobody's name before it.
"""

import ipaddress
import re
from dataclasses import dataclass

DEFAULT_PORTS = {"http": 80, "https": 443}
LONGEST_NAME = 253
_NAME = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*"
_HOST = re.compile(rf"({_NAME}|\[[0-9a-f:.]{{2,45}}\])(?::(\d{{1,5}}))?", re.ASCII)
_FRAME = re.compile(rf"https?://(?:\*\.)?{_NAME}(?::\d{{1,5}})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Origin:
    """`host`: lower case; an IPv6 address has its brackets."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        shown = self.host if self.port == DEFAULT_PORTS[self.scheme] else f"{self.host}:{self.port}"
        return f"{self.scheme}://{shown}"

    @property
    def is_loopback(self) -> bool:
        return is_loopback_name(self.host)


def is_loopback_name(host: str) -> bool:
    """127.0.0.1 and its neighbours, [::1], localhost; never a name that merely leads there."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def origin_of(scheme: str, host_header: str) -> Origin | None:
    """What a Host header says under this scheme; None where it is not one that a browser would send."""
    match = _HOST.fullmatch(host_header.lower())
    if match is None or scheme not in DEFAULT_PORTS or len(match[1]) > LONGEST_NAME:
        return None
    host = match[1]
    if not _is_name_or_address(host):
        return None
    port = int(match[2]) if match[2] else DEFAULT_PORTS[scheme]
    return Origin(scheme, host, port) if 0 < port < 65536 else None


def _is_name_or_address(host: str) -> bool:
    """Whoever looks like an address must be one: 127.0.0.999 is no name either."""
    if not host.startswith("[") and not host.rpartition(".")[2].isdigit():
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).version == (6 if host.startswith("[") else 4)
    except ValueError:
        return False


def read_origin(text: str) -> Origin:
    """`https://earmark.example.com`, with a port where it has one, and nothing else. Raises ValueError."""
    scheme, separator, host = text.strip().partition("://")
    origin = origin_of(scheme.lower(), host) if separator else None
    if origin is None:
        raise ValueError(f"{text!r} is no origin; write it as https://earmark.example.com, without a path")
    return origin


def read_frame_ancestors(text: str) -> str:
    """The sources of a frame-ancestors policy: `none`, or `self` and origins (`https://*.example.com` too).

    Raises ValueError: nothing else may get into the header.
    """
    sources = text.lower().split()
    if sources in ([], ["none"]):
        return "'none'"
    for source in sources:
        if source != "self" and _FRAME.fullmatch(source) is None:
            raise ValueError(f"{source!r} is no origin; write none, self, or origins such as https://lms.example.com")
    return " ".join("'self'" if source == "self" else source for source in sources)
