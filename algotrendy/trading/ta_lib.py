"""TA-Lib for NumPy's columns alone.

Where it finds pandas or polars it loads them, to take their series too: half a second and some 60 MB of every process
that knows an indicator, for what nothing here passes.
"""

from __future__ import annotations

import sys

_absent = [name for name in ("pandas", "polars") if name not in sys.modules]
sys.modules.update(dict.fromkeys(_absent))  # type: ignore[arg-type] # None says that there is no such module.
try:
    import talib
    from talib import abstract
finally:
    for name in _absent:
        del sys.modules[name]

__all__ = ["abstract", "talib"]
