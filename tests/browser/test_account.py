"""One's own account in a real browser: second factor, keys, password, sign-ins, at both sizes."""

from __future__ import annotations

import base64
import re
import time

import requests
from django_otp.oath import TOTP
from playwright.sync_api import Page, expect

from apps.accounts.models import ApiKey, AuditEvent, User
from apps.accounts.services import session_begin
from tests.apps.dashboard.conftest import Book
from tests.browser.conftest import Visit
from tests.builders import PASSWORD


def _code(page: Page, *, step: int = 0) -> str:
    """Return what an authenticator app shows for the secret on the page, `step` half minutes from now."""
    secret = base64.b32decode(page.locator("#mfa-secret").inner_text())
    totp = TOTP(secret)
    totp.time = time.time() + 30 * step
    return f"{totp.token():06d}"


def test_a_second_factor_is_set_up_asked_for_and_switched_off(visit: Visit, book: Book) -> None:
    page = visit.open("/admin/account/security/")
    page.fill("#id_enroll-current_password", PASSWORD)
    page.get_by_role("button", name="Set up").click()
    expect(page.get_by_alt_text("QR code for an authenticator app")).to_be_visible()
    assert not visit.has_overflow()
    first, second = _code(page), _code(page, step=1)
    page.fill("#id_confirm-code", "000000" if first != "000000" else "111111")
    page.get_by_role("button", name="Switch on").click()
    expect(page.get_by_text("The code is wrong")).to_be_visible()
    page.fill("#id_confirm-code", first)
    page.get_by_role("button", name="Switch on").click()
    codes = page.locator("#backup-codes li").all_inner_texts()
    assert len(codes) == 10
    assert not visit.has_overflow()

    page.context.clear_cookies()
    page.goto(f"{visit.base}/admin/login/")
    page.fill("#id_username", book.owner.username)
    page.fill("#id_password", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url("**/admin/login/code/")
    page.fill("#id_code", second)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{visit.base}/admin/")

    page = visit.open("/admin/account/security/")
    expect(page.get_by_text("10 of 10 backup codes left")).to_be_visible()
    page.fill("#id_disable-current_password", PASSWORD)
    page.fill("#id_disable-code", codes[0])
    page.get_by_role("button", name="Switch off").click()
    expect(page.get_by_text("Your second factor is off.")).to_be_visible()


def test_a_key_is_made_shown_once_used_rotated_and_revoked(visit: Visit, book: Book) -> None:
    page = visit.open("/admin/account/keys/")
    expect(page.get_by_text("No keys yet")).to_be_visible()
    page.fill("#id_create-name", "Bot")
    page.fill("#id_create-current_password", PASSWORD)
    page.get_by_role("button", name="Make key").click()
    text = page.locator("#new-key").inner_text()
    assert requests.get(f"{visit.base}/api/orders", headers={"X-API-Key": text}, timeout=10).status_code == 200
    assert not visit.has_overflow()

    page = visit.open("/admin/account/keys/")
    assert text not in page.content()
    page.get_by_text("Rotate or revoke").click()
    page.fill("[name=rotate-current_password]", PASSWORD)
    page.get_by_role("button", name="Rotate").click()
    renewed = page.locator("#new-key").inner_text()
    answers = [
        requests.get(f"{visit.base}/api/orders", headers={"X-API-Key": key}, timeout=10).status_code
        for key in (text, renewed)
    ]
    assert answers == [401, 200]
    page = visit.open("/admin/account/keys/")
    page.get_by_text("Rotate or revoke").click()
    page.get_by_role("button", name="Revoke for ever").click()
    expect(page.get_by_role("cell", name="Revoked")).to_be_visible()
    assert requests.get(f"{visit.base}/api/orders", headers={"X-API-Key": renewed}, timeout=10).status_code == 401
    assert ApiKey.objects.get().used_from == "127.0.0.1"


def test_details_and_password_are_changed_and_sign_ins_end(visit: Visit, book: Book) -> None:
    session_begin(user=book.owner)
    page = visit.open("/admin/account/")
    page.fill("#id_details-first_name", "Ada")
    page.select_option("#id_details-time_zone", "Europe/Berlin")
    page.get_by_role("button", name="Save details").click()
    expect(page.get_by_text("Your details are saved.")).to_be_visible()
    page.fill("#id_password-current_password", "not this one")
    page.fill("#id_password-new_password", "quite-another-passphrase")
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_text("This is not your current password.")).to_be_visible()
    page.fill("#id_password-current_password", PASSWORD)
    page.fill("#id_password-new_password", "quite-another-passphrase")
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_text("Your password is changed.")).to_be_visible()
    assert not visit.has_overflow()
    user = User.objects.get(pk=book.owner.pk)
    assert (user.first_name, user.time_zone) == ("Ada", "Europe/Berlin")
    assert user.check_password("quite-another-passphrase")

    page = visit.open("/admin/account/sessions/")
    page.get_by_role("button", name="End", exact=True).click()
    expect(page.get_by_role("cell", name="Ended")).to_be_visible()
    page = visit.open("/admin/account/activity/")
    expect(page.get_by_role("cell", name="Password changed")).to_be_visible()
    assert not visit.has_overflow()
    assert AuditEvent.objects.filter(user_id=user.pk, via="console", ip="127.0.0.1").count() >= 3


def test_wrong_passwords_lock_the_sign_in_and_say_so(visit: Visit, book: Book) -> None:
    page = visit.page
    page.context.clear_cookies()
    page.goto(f"{visit.base}/admin/login/?next=/admin/orders/order/")
    for _ in range(5):
        page.fill("#id_username", book.owner.email)
        page.fill("#id_password", "wrong")
        page.click("button[type=submit]")
    expect(page.get_by_text(re.compile("Too many wrong attempts; try again in 15 min"))).to_be_visible()
    page.fill("#id_username", book.owner.username)
    page.fill("#id_password", PASSWORD)
    page.click("button[type=submit]")
    expect(page.get_by_text(re.compile("Too many wrong attempts"))).to_be_visible()
    assert not visit.has_overflow()
