"""Nobody chooses the address under which they are counted."""

from __future__ import annotations

import subprocess
import sys
from ipaddress import ip_network

import pytest
from django.conf import LazySettings
from django.test import RequestFactory

from apps.common.client_ip import client_ip, counted_address
from tests.processes import PROJECT

PROXIES = ["10.0.0.0/8", "192.0.2.1/32", "2001:db8:1::/48"]


def _seen(remote: str, forwarded: str | None = None) -> str:
    headers = {} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}
    return client_ip(RequestFactory().get("/", REMOTE_ADDR=remote, **headers))


@pytest.fixture
def _behind_proxies(settings: LazySettings) -> None:
    settings.TRUSTED_PROXIES = [ip_network(proxy) for proxy in PROXIES]


@pytest.mark.parametrize("forwarded", [None, "203.0.113.9", "203.0.113.9, 10.0.0.1", "rubbish"])
def test_without_trusted_proxies_the_connections_own_address_counts(forwarded: str | None) -> None:
    assert _seen("198.51.100.7", forwarded) == "198.51.100.7"


@pytest.mark.usefixtures("_behind_proxies")
@pytest.mark.parametrize(
    ("remote", "forwarded", "expected"),
    [
        ("198.51.100.7", "203.0.113.9", "198.51.100.7"),  # who is no proxy is not believed
        ("10.1.2.3", "203.0.113.9", "203.0.113.9"),
        ("10.1.2.3", "1.1.1.1, 203.0.113.9", "203.0.113.9"),  # what stands further left is the client's own word
        ("10.1.2.3", "1.1.1.1,203.0.113.9 , 192.0.2.1", "203.0.113.9"),  # a chain of ours is walked through
        ("10.1.2.3", "10.9.9.9, 192.0.2.1", "10.9.9.9"),  # a call from within
        ("10.1.2.3", "rubbish, 203.0.113.9", "203.0.113.9"),
        ("10.1.2.3", "203.0.113.9, rubbish", "10.1.2.3"),
        ("10.1.2.3", "203.0.113.9, rubbish, 192.0.2.1", "192.0.2.1"),
        ("10.1.2.3", "", "10.1.2.3"),
        ("10.1.2.3", None, "10.1.2.3"),
        ("10.1.2.3", "," * 5000, "10.1.2.3"),
        ("10.1.2.3", "203.0.113.9:4711", "203.0.113.9"),
        ("10.1.2.3", "[2001:db8::7]:4711", "2001:db8::7"),
        ("10.1.2.3", "fe80::1%eth0", "fe80::1"),
        ("10.1.2.3", "999.1.1.1", "10.1.2.3"),
        ("2001:db8:1::5", "203.0.113.9", "203.0.113.9"),
        ("::ffff:10.1.2.3", "::ffff:203.0.113.9", "203.0.113.9"),  # a socket for both writes IPv4 like this
        ("", "203.0.113.9", ""),
    ],
)
def test_a_trusted_proxy_is_believed_about_the_one_before_it(remote: str, forwarded: str | None, expected: str) -> None:
    assert _seen(remote, forwarded) == expected


@pytest.mark.parametrize(
    ("remote", "expected"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("2001:db8:a:b:1:2:3:4", "2001:db8:a:b::/64"),
        ("2001:db8:a:b::", "2001:db8:a:b::/64"),
        ("2001:db8:a:c::1", "2001:db8:a:c::/64"),
        ("", "unknown"),
    ],
)
def test_the_addresses_of_one_ipv6_customer_count_as_one(remote: str, expected: str) -> None:
    assert counted_address(RequestFactory().get("/", REMOTE_ADDR=remote)) == expected


@pytest.mark.parametrize(("value", "status"), [("10.0.0.0/8, ::1,192.0.2.1/24", 0), ("", 0), ("10.0.0", 1)])
def test_a_list_of_proxies_that_is_none_stops_the_start_and_says_so(value: str, status: int) -> None:
    code = f"import os; os.environ['TRUSTED_PROXIES'] = {value!r}; from algotrendy.settings.env import networks; "
    done = subprocess.run(
        [sys.executable, "-c", f"{code}networks('TRUSTED_PROXIES')"], cwd=PROJECT, capture_output=True, text=True
    )
    assert done.returncode == status, done.stderr
    assert status == 0 or "'10.0.0', which is no network" in done.stderr
