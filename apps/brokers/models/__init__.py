"""Connections to venues, and the book of the paper venue."""

from .connections import BrokerConnection, BrokerKind, MarketType
from .paper import PaperOrder, PaperOrderStatus, PaperTrade

__all__ = ["BrokerConnection", "BrokerKind", "MarketType", "PaperOrder", "PaperOrderStatus", "PaperTrade"]
