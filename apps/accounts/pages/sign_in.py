"""The console's sign-in: the password first, then the second factor where there is one."""

from __future__ import annotations

import time
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.auth import login
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import FormView

from algotrendy.trading.errors import TradingError
from apps.accounts.models import User
from apps.accounts.pages.forms import CodeForm, SignInForm
from apps.accounts.services import mfa_check

PENDING = "sign_in_pending"
SECONDS_FOR_THE_CODE = 300
BACKEND = "apps.accounts.backends.UsernameOrEmailBackend"


@method_decorator([never_cache, sensitive_post_parameters()], name="dispatch")
class SignInView(LoginView):
    """Ask for the password; one with a second factor is not signed in by it yet."""

    form_class = SignInForm
    template_name = "admin/login.html"
    redirect_authenticated_user = False

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method == "GET" and admin.site.has_permission(request):
            return HttpResponseRedirect(reverse("admin:index"))
        return super().dispatch(request, *args, **kwargs)

    def form_valid(self, form: SignInForm) -> HttpResponse:
        user: User = form.get_user()
        if not user.has_mfa:
            login(self.request, user, backend=BACKEND)
            return HttpResponseRedirect(self.get_success_url())
        self.request.session.cycle_key()
        self.request.session[PENDING] = [user.pk, user.token_version, time.time(), self.get_success_url()]
        return HttpResponseRedirect(reverse("sign-in-code"))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        page = {"title": "Sign in", "subtitle": None, "app_path": self.request.get_full_path()}
        page |= {"registration_open": settings.REGISTRATION_OPEN}
        return {**admin.site.each_context(self.request), **super().get_context_data(**kwargs), **page}


@method_decorator([never_cache, sensitive_post_parameters()], name="dispatch")
class CodeView(FormView):
    """Ask for the one-time password of somebody whose password was right a moment ago."""

    form_class = CodeForm
    template_name = "accounts/code.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.waiting = self._waiting()
        if self.waiting is None:
            return HttpResponseRedirect(reverse("admin:login"))
        return super().dispatch(request, *args, **kwargs)

    def form_valid(self, form: CodeForm) -> HttpResponse:
        user, target = self.waiting or (None, "")
        if user is None:
            return HttpResponseRedirect(reverse("admin:login"))
        try:
            mfa_check(user=user, code=form.cleaned_data["code"])
        except TradingError as error:
            form.add_error("code", error.message)
            return self.form_invalid(form)
        del self.request.session[PENDING]
        login(self.request, user, backend=BACKEND)
        return HttpResponseRedirect(target)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {
            **admin.site.each_context(self.request),
            **super().get_context_data(**kwargs),
            "title": "Enter your code",
        }

    def _waiting(self) -> tuple[User, str] | None:
        """Return who is half signed in, and where they were going; None where that was too long ago."""
        user_id, version, at, target = self.request.session.get(PENDING, [None, 0, 0, ""])
        if user_id is None or time.time() - at > SECONDS_FOR_THE_CODE:
            return None
        user = User.objects.filter(pk=user_id, token_version=version, is_active=True).first()
        return (user, target) if user is not None and user.has_mfa else None
