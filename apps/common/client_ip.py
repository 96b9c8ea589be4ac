"""Where a request comes from: what limits, audits and lock-outs go by, so nothing in it may be the caller's choice."""

from __future__ import annotations

import ipaddress
from ipaddress import IPv4Address, IPv6Address

from django.conf import settings
from django.http import HttpRequest

type Address = IPv4Address | IPv6Address
IPV6_SHARED_BITS = 64
"""A provider gives one customer at least so many bits of addresses: they are one caller."""


def client_ip(request: HttpRequest) -> str:
    """Return the client's address, or an empty string where the server does not know it.

    Only a proxy of TRUSTED_PROXIES is believed about whom it passes on: from there X-Forwarded-For is read from the
    right, where each proxy writes the one before it, up to the first address that is no trusted proxy.
    """
    found = _parse(request.META.get("REMOTE_ADDR", ""))
    if found is None:
        return ""
    if not settings.TRUSTED_PROXIES or not _is_trusted(found):
        return str(found)
    for entry in reversed(request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")):
        before = _parse(entry)
        if before is None:  # a proxy that passes on rubbish is the last that is known
            break
        found = before
        if not _is_trusted(found):
            break
    return str(found)


def counted_address(request: HttpRequest) -> str:
    """Return what calls without a user are counted under: the address, of IPv6 the network that one customer has."""
    text = client_ip(request)
    if ":" not in text:
        return text or "unknown"
    return str(ipaddress.ip_network((int(IPv6Address(text)), IPV6_SHARED_BITS), strict=False))


def _is_trusted(address: Address) -> bool:
    return any(address in network for network in settings.TRUSTED_PROXIES)


def _parse(text: str) -> Address | None:
    """Return the address, without the port and brackets that some proxies add; IPv4 inside IPv6 is IPv4."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
