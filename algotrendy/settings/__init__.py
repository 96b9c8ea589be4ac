"""Settings, split by topic; environments differ by environment variables only (see `.env.example`)."""

from .base import *  # noqa: F403
from .api import *  # noqa: F403
from .security import *  # noqa: F403
from .accounts import *  # noqa: F403
from .jobs import *  # noqa: F403
from .marketdata import *  # noqa: F403
from .trading import *  # noqa: F403
from .strategies import *  # noqa: F403
from .backtests import *  # noqa: F403
from .logging import *  # noqa: F403
from .admin import *  # noqa: F403
from .headers import *  # noqa: F403
