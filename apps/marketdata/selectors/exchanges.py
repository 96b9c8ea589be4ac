"""How exchanges are doing."""

from __future__ import annotations

from apps.marketdata import breaker, limiter


def exchange_condition(name: str) -> str:
    """Return in words whether an exchange is asked: it answers, wants to be left alone, or does not answer."""
    if banned := limiter.banned_for(name):
        return f"wants to be left alone for {banned:,.0f} s"
    state = breaker.state(name)
    if state.circuit == breaker.Circuit.CLOSED:
        return "is asked"
    since = f" since {state.opened_at:%H:%M:%S} UTC" if state.opened_at else ""
    doing = "is tried again" if state.circuit == breaker.Circuit.HALF_OPEN else "is left alone"
    return f"does not answer{since} and {doing}"
