"""Registering, and what letters link to. Tokens are behind the # of a link, which no server and no log is sent."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import FormView

from algotrendy.trading.errors import TradingError
from apps.accounts import services
from apps.accounts.api.throttling import TierThrottle
from apps.accounts.errors import InvalidAccount, Locked
from apps.accounts.pages.forms import EmailForm, NewPasswordForm, RegisterForm, TokenForm
from apps.common.api.throttling import LOGIN, REGISTER


@method_decorator([never_cache, sensitive_post_parameters()], name="dispatch")
class LetterView(FormView):
    """A form, one service call, and a sentence that says what happened."""

    template_name = "accounts/letter.html"
    title: ClassVar[str]
    intro: ClassVar[str]
    submit: ClassVar[str]
    done: ClassVar[str]

    def act(self, values: dict[str, Any]) -> None:
        raise NotImplementedError

    def form_valid(self, form: forms.Form) -> HttpResponse:
        try:
            self.act(form.cleaned_data)
        except InvalidAccount as error:
            for name, messages in error.errors.items():
                form.add_error(name if name in form.fields else None, messages)
        except TradingError as error:
            form.add_error(None, error.message)
        if form.errors:
            return self.form_invalid(form)
        return self.render_to_response(self.get_context_data(form=None, outcome=self.done))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        page = {"title": self.title, "intro": self.intro, "button": self.submit}
        return {**admin.site.each_context(self.request), **super().get_context_data(**kwargs), **page}

    def count(self, scope: str) -> None:
        """Raise Locked where this address has asked too often; the API's calls of the same kind count too."""
        if not settings.RATELIMIT_ENABLE:
            return
        tally = TierThrottle().count_stranger(self.request, scope)
        if tally.retry_after:
            raise Locked("Too many attempts from your address; try again later.", retry_after=tally.retry_after)


class ForgotPasswordView(LetterView):
    form_class = EmailForm
    title = "Forgotten password"
    intro = "Give the e-mail address of your account. You get a letter with a link that sets a new password."
    submit = "Send the letter"
    done = "If there is an account with this address, the letter is on its way. The link works for an hour."

    def act(self, values: dict[str, Any]) -> None:
        self.count(REGISTER)
        services.password_reset_ask(email=values["email"])


class ResetPasswordView(LetterView):
    form_class = NewPasswordForm
    title = "Set a new password"
    intro = "Every session and token that the old password has given ends."
    submit = "Set password"
    done = "The new password is set. You can sign in with it now."

    def act(self, values: dict[str, Any]) -> None:
        self.count(LOGIN)
        services.password_reset(token=values["token"], new_password=values["new_password"])


class VerifyEmailView(LetterView):
    form_class = TokenForm
    title = "Confirm your e-mail address"
    intro = "One click, and your account is ready."
    submit = "Confirm"
    done = "Your address is confirmed. You can sign in now."

    def act(self, values: dict[str, Any]) -> None:
        self.count(LOGIN)
        services.email_verify(token=values["token"])


class RegisterView(LetterView):
    form_class = RegisterForm
    title = "Register"
    intro = "Your account works as soon as you have opened the link in the letter that you get."
    submit = "Register"
    done = "A letter is on its way to your address. Open its link within three days, then sign in."

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if not settings.REGISTRATION_OPEN:
            raise Http404
        return super().dispatch(request, *args, **kwargs)

    def act(self, values: dict[str, Any]) -> None:
        self.count(REGISTER)
        services.register(**values)
