"""The supervisor's guard: ends what the supervisor has started when the supervisor itself was killed.

A child dies with the supervisor where the system can do that, but not what the child has started in turn, such as a
web server's workers, which would keep its port. The guard reads `+group` and `-group` lines; the end of its input is
the end of the supervisor, and then it ends the process groups that are left. It imports nothing of the project.
"""

import contextlib
import os
import signal
import sys
import time

SECONDS_TO_STOP = 1.0


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin:
        group = int(line[1:])
        if line.startswith("+"):
            groups.add(group)
        else:
            groups.discard(group)
    for number, seconds in ((signal.SIGTERM, SECONDS_TO_STOP), (signal.SIGKILL, 0)):
        for group in groups:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(group, number)
        if groups:
            time.sleep(seconds)


if __name__ == "__main__":
    main()
