"""The console's sessions: who is asking is known to whatever is recorded, and a second factor is insisted on."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from apps.common.origin import identify

CONSOLE = "/admin/"
OPEN_BEFORE_MFA = ("/admin/login/", "/admin/logout/", "/admin/account/", "/admin/jsi18n/")


class IdentityMiddleware:
    """Identify the console's user; send administrators who must have a second factor to where it is set up."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path.startswith(CONSOLE) or not request.user.is_authenticated:
            return self.get_response(request)
        identify(via="console", user_id=request.user.pk, username=request.user.username)
        if request.user.must_enroll_mfa and not request.path.startswith(OPEN_BEFORE_MFA):
            return HttpResponseRedirect(reverse("admin:account_security"))
        return self.get_response(request)
