"""The platform's settings with the parts switched off that a benchmark measures: BENCH_AUTH and BENCH_LIMITS."""

import os

from algotrendy.settings import *  # noqa: F403

if os.environ["BENCH_AUTH"] == "off":
    REST_FRAMEWORK = {
        **REST_FRAMEWORK,  # noqa: F405
        "DEFAULT_AUTHENTICATION_CLASSES": ["tests.benchmarks.api_user.SameUser"],
    }
RATELIMIT_ENABLE = os.environ["BENCH_LIMITS"] == "on"
# Everything is counted and nothing is refused.
RATE_LIMITS = {
    tier: {scope: ["1000000000/m", "1000000000/s"] for scope in scopes}
    for tier, scopes in RATE_LIMITS.items()  # noqa: F405
}
