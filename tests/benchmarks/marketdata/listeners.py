"""Many listeners in one process: told the key on its input, it says when all are let in, and then how late events came.

python -m tests.benchmarks.marketdata.listeners PORT TOPIC CLIENTS EVENTS
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time


async def listen(port: int, topic: str, key: str, events: int, ready: asyncio.Semaphore, late: list[float]) -> None:
    async with ready:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        lines = [f"GET /api/stream?topics={topic}&snapshot=no HTTP/1.1", "Host: 127.0.0.1", f"X-API-Key: {key}", "", ""]
        writer.write("\r\n".join(lines).encode())
        while (await reader.readline()).strip() != b"event: hello":
            if reader.at_eof():
                raise RuntimeError("A stream was not let in.")
    wanted = f"event: {topic}".encode()
    asyncio.current_task().set_name("in")  # type: ignore[union-attr]
    seen = 0
    while seen < events:
        line = await reader.readline()
        if not line:
            raise RuntimeError("A stream has ended.")
        if line.strip() == wanted:
            data = json.loads((await reader.readline()).partition(b"data: ")[2])["data"]
            late.append(time.time() - data["sent"])
            seen = int(data["id"]) + 1  # of candles only the newest comes
    writer.close()


async def main() -> None:
    port, topic, clients, events = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    key = sys.stdin.readline().strip()
    late: list[float] = []
    at_once = asyncio.Semaphore(50)
    tasks = [asyncio.create_task(listen(port, topic, key, events, at_once, late)) for _ in range(clients)]
    while not all(task.get_name() == "in" for task in tasks):
        for task in tasks:
            if task.done():
                task.result()
        await asyncio.sleep(0.05)
    print("in", flush=True)
    await asyncio.gather(*tasks)
    print(json.dumps(late), flush=True)


_, most = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
asyncio.run(main())
