"""The views of accounts, and what their refusals are answered with."""

from apps.accounts.errors import Locked, MfaState, NotAllowed, SignInRefused
from apps.common.api.errors import answer_with

answer_with(SignInRefused, 401)
answer_with(Locked, 429)
answer_with(NotAllowed, 403)
answer_with(MfaState, 409)
