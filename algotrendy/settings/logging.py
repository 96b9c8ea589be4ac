"""Structured logs with a correlation id, to the console and, where SEQ_URL is set, to Seq."""

from .env import env, optional

LOG_LEVEL = env.str("LOG_LEVEL", default="INFO")
LOG_FORMAT = env.str("LOG_FORMAT", default="console")
SEQ_URL = env.str("SEQ_URL", default="")
SEQ_API_KEY = optional("SEQ_API_KEY")
