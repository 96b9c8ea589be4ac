"""Making and changing connections."""

from .connections import paper_connection_create

__all__ = ["paper_connection_create"]
