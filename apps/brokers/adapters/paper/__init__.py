"""The paper venue: real orders, real candles, no real money; its book is in the database and survives restarts.

It fills by `algotrendy.trading.matching`, on candles that open at or after the market time at which an order reaches
it: nobody trades at a price that is already past.
"""

from .arriving import paper_submit
from .gateway import PAPER_TRAITS, PaperGateway
from .matching import paper_connections_met

__all__ = ["PAPER_TRAITS", "PaperGateway", "paper_connections_met", "paper_submit"]
