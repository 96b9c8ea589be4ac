"""Every failed request of the API as one kind of document: RFC 9457 problem details.

`code` is stable and for programs, `detail` is a sentence for people, `errors` says what is wrong with which field.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views import defaults
from rest_framework import exceptions
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response

from algotrendy.trading.errors import BrokerUnavailable, TradingError
from apps.common.correlation import current_id
from apps.common.outages import RETRY_AFTER, is_outage

MEDIA_TYPE = "application/problem+json"
API_PREFIX = "/api/"


class ProblemRenderer(JSONRenderer):
    """Give problem documents their own media type."""

    media_type = MEDIA_TYPE
    format = "problem"


@dataclass(frozen=True, slots=True)
class FieldError:
    field: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Problem:
    """A failed request. `extra` holds members that only this kind of problem has."""

    status: int
    code: str
    detail: str
    errors: list[FieldError] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)

    def document(self, path: str) -> dict[str, Any]:
        """Return the problem as JSON-ready members; the standard ones cannot be overwritten by `extra`."""
        body: dict[str, Any] = {
            **self.extra,
            "type": f"urn:algotrendy:problem:{self.code}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            "instance": path,
            "correlation_id": current_id(),
        }
        if self.errors:
            body["errors"] = [{"field": e.field, "code": e.code, "message": e.message} for e in self.errors]
        return body


type Extra = Callable[[Any], dict[str, Any]]
_statuses: dict[type[TradingError], tuple[int, Extra | None]] = {BrokerUnavailable: (503, None)}


def answer_with(error: type[TradingError], status: int, extra: Extra | None = None) -> None:
    """Answer the domain error, and those derived from it, with this status; `extra` adds members to the problem."""
    _statuses[error] = (status, extra)


def problem_details(error: Exception, context: dict[str, Any]) -> Response | None:
    """Turn what a view raised into a problem; leave the unexpected to `handler500`, which logs it and tells nothing."""
    problem = _problem_of(error)
    if problem is None:
        return None
    request = context["request"]
    request.accepted_renderer = ProblemRenderer()
    request.accepted_media_type = MEDIA_TYPE
    response = Response(problem.document(request.path), status=problem.status, headers=problem.headers)
    response.content_type = MEDIA_TYPE
    return response


def _problem_of(error: Exception) -> Problem | None:
    match error:
        case TradingError():
            return _of_domain(error)
        case ValidationError():
            return _invalid(list(_flatten(exceptions.ValidationError(_detail_of(error)).get_full_details())))
        case Http404():
            return Problem(404, "not_found", "There is nothing here that you may see.")
        case RequestDataTooBig():
            return Problem(413, "too_large", "The body is too large; send less in one request.")
        case PermissionDenied():
            return Problem(403, "permission_denied", "You may not do this.")
        case exceptions.ValidationError():
            return _invalid(list(_flatten(error.get_full_details())))
        case exceptions.Throttled():
            return throttled(getattr(error, "wait", None) or 1)
        case exceptions.APIException():
            return _of_framework(error)
    return _unavailable() if is_outage(error) else None


def _of_domain(error: TradingError) -> Problem:
    known = next((_statuses[kind] for kind in type(error).__mro__ if kind in _statuses), (400, None))
    status, extra = known
    fields = getattr(error, "errors", {})
    return Problem(
        status,
        error.code,
        error.message,
        errors=[FieldError(name, error.code, message) for name, messages in fields.items() for message in messages],
        headers=_headers_of(error, status),
        extra=extra(error) if extra else {},
    )


def _headers_of(error: TradingError, status: int) -> dict[str, str]:
    headers = {"WWW-Authenticate": 'Bearer realm="api"'} if status == 401 else {}
    if hasattr(error, "retry_after"):
        headers["Retry-After"] = str(error.retry_after)
    return headers


def _invalid(errors: list[FieldError]) -> Problem:
    named = [f"{error.field}: {error.message}" if error.field else error.message for error in errors]
    return Problem(400, "invalid", " ".join(named), errors=errors)


def throttled(seconds: float) -> Problem:
    wait = max(1, round(seconds))
    return Problem(429, "throttled", f"Too many requests; try again in {wait} s.", headers={"Retry-After": str(wait)})


def _of_framework(error: exceptions.APIException) -> Problem:
    code, detail = _first_of(error.get_full_details())
    auth_header = getattr(error, "auth_header", None)
    headers = {"WWW-Authenticate": auth_header} if auth_header else {}
    return Problem(error.status_code, code, detail, headers=headers)


def _first_of(details: Any) -> tuple[str, str]:
    """Return code and sentence of an exception's details, however the raising library has nested them."""
    if isinstance(details, list):
        return _first_of(details[0])
    if "code" in details and "message" in details and isinstance(details["message"], str):
        return str(details["code"]), str(details["message"])
    code = details["code"]["message"] if "code" in details else "error"
    return str(code), _first_of(details["detail"])[1] if "detail" in details else str(code)


def _flatten(details: Any, path: str = "") -> Iterator[FieldError]:
    """Yield each leaf of nested validation errors with the dotted path of its field."""
    if isinstance(details, list):
        for index, item in enumerate(details):
            is_leaf = isinstance(item, dict) and set(item) == {"message", "code"}
            yield from _flatten(item, path if is_leaf else f"{path}.{index}")
    elif set(details) == {"message", "code"}:
        yield FieldError(path, str(details["code"]), str(details["message"]))
    else:
        for name, item in details.items():
            own = "" if name in ("non_field_errors", "__all__") else str(name)
            yield from _flatten(item, f"{path}.{own}".strip("."))


def _detail_of(error: ValidationError) -> Any:
    def leaf(item: ValidationError) -> exceptions.ErrorDetail:
        return exceptions.ErrorDetail(" ".join(item.messages), code=item.code or "invalid")

    if hasattr(error, "error_dict"):
        return {name: [leaf(item) for item in items] for name, items in error.error_dict.items()}
    return [leaf(item) for item in error.error_list]


_DETAILS = {
    400: ("bad_request", "The request cannot be understood."),
    403: ("permission_denied", "You may not do this."),
    404: ("not_found", "There is nothing at this address; see /api/docs for what there is."),
    500: ("internal_error", "Something failed on our side; it is logged under the correlation id."),
}


def _unavailable() -> Problem:
    detail = "A part of the platform cannot be reached right now; nothing unconfirmed was done. Try again in a moment."
    return Problem(503, "unavailable", detail, headers={"Retry-After": str(RETRY_AFTER)})


def refuse(request: HttpRequest, problem: Problem) -> HttpResponse:
    """Answer outside the views: with the problem under /api/, elsewhere with a page that says the same."""
    document = problem.document(request.path)
    if request.path.startswith(API_PREFIX):
        return JsonResponse(document, status=problem.status, headers=problem.headers, content_type=MEDIA_TYPE)
    answer = render(None, "console/problem.html", {"problem": document}, status=problem.status)
    for name, value in problem.headers.items():
        answer[name] = value
    return answer


def _outside_views(request: HttpRequest, status: int) -> HttpResponse:
    return refuse(request, Problem(status, *_DETAILS[status]))


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if request.path.startswith(API_PREFIX):
        return _outside_views(request, 400)
    return defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    if request.path.startswith(API_PREFIX):
        return _outside_views(request, 403)
    return defaults.permission_denied(request, exception)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if request.path.startswith(API_PREFIX):
        return _outside_views(request, 404)
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer what nobody expected; Django calls this while the exception is still being handled."""
    if is_outage(sys.exc_info()[1]):
        return refuse(request, _unavailable())
    if request.path.startswith(API_PREFIX):
        return _outside_views(request, 500)
    return defaults.server_error(request)
