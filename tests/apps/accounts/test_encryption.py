"""Secrets at rest: authenticated, and moved from key to key."""

from __future__ import annotations

import io
import time

import pytest
from django.conf import LazySettings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command

from apps.accounts.models import Authenticator, User
from apps.accounts.services import mfa_check
from apps.common.encryption import Undecipherable, decrypt, encrypt
from tests.apps.accounts.test_mfa import enrolled, password_at

OLD, NEW = "o" * 40, "n" * 40


def test_what_is_encrypted_is_read_back_and_never_looks_the_same() -> None:
    assert decrypt(encrypt("secret")) == "secret"
    assert encrypt("secret") != encrypt("secret")
    assert "secret" not in encrypt("secret")


def test_what_was_tampered_with_is_not_opened() -> None:
    token = encrypt("secret")
    flipped = token[:-10] + ("A" if token[-10] != "A" else "B") + token[-9:]
    for wrong in (flipped, token[:-4], "", "rubbish"):
        with pytest.raises(Undecipherable):
            decrypt(wrong)


@pytest.mark.parametrize("keys", [[], ["short"]])
def test_keys_that_are_too_short_encrypt_nothing(keys: list[str], settings: LazySettings) -> None:
    settings.ENCRYPTION_KEYS = keys
    with pytest.raises(ImproperlyConfigured, match="32 random characters"):
        encrypt("secret")


def test_keys_are_changed_without_losing_a_second_factor(trader: User, settings: LazySettings) -> None:
    settings.ENCRYPTION_KEYS = [OLD]
    secret, _ = enrolled(trader)
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    told = io.StringIO()
    call_command("rotate_encryption", stdout=told)
    assert "1 secrets" in told.getvalue()
    settings.ENCRYPTION_KEYS = [NEW]
    mfa_check(user=trader, code=password_at(secret, time.time()))


def test_a_missing_key_is_said_and_nothing_is_overwritten(trader: User, settings: LazySettings) -> None:
    settings.ENCRYPTION_KEYS = [OLD]
    enrolled(trader)
    before = Authenticator.objects.get().encrypted_secret
    settings.ENCRYPTION_KEYS = [NEW]
    with pytest.raises(CommandError, match="put the missing key back"):
        call_command("rotate_encryption", stdout=io.StringIO())
    assert Authenticator.objects.get().encrypted_secret == before
