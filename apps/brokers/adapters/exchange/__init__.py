"""Real exchanges, through ccxt, which is loaded when the first of them is asked."""

from .abilities import BEFORE_TEST, exchange_traits
from .gateway import CcxtGateway

__all__ = ["BEFORE_TEST", "CcxtGateway", "exchange_traits"]
