"""A supervisor over commands given as `name:stop_order:python code`: `python -m tests.faults.fake_platform …`."""

from __future__ import annotations

import sys

from apps.operations.supervisor import Service, Supervisor


def main() -> int:
    services = []
    for argument in sys.argv[1:]:
        name, order, code = argument.split(":", 2)
        services.append(Service(name, [sys.executable, "-S", "-E", "-c", code], stop_order=int(order), patience=1))
    return Supervisor(services, first_pause=0.1).run()


if __name__ == "__main__":
    sys.exit(main())
