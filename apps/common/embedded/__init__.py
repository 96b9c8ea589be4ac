"""Private PostgreSQL and Redis for a machine that has none: started when first needed, shared, stopped when last used.

Every process of one project folder that needs the engines holds a shared lock; one keeper process runs the engines,
starts again what dies, and ends when nobody holds the lock any more, however the holders ended. This package imports
no Django: it sets DATABASE_URL and REDIS_URL before the settings are read.
"""

from apps.common.embedded.client import Engines, current, engines
from apps.common.embedded.files import EngineError

__all__ = ["EngineError", "Engines", "current", "engines"]
