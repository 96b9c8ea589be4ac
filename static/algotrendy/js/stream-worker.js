/* One event stream for all tabs of the browser: HTTP/1.1 allows six connections to a host, and a tab must not take one. */
"use strict";
const TOPICS = ["candles", "orders", "fills", "positions", "portfolio", "signals", "backtests", "downloads", "alerts"];
const RETRY = 3000;
const ports = new Set();
let source = null;
let address = "";
let hasMissed = false;
let state = { kind: "state", state: "connecting", at: 0 };

function tell(message) {
  for (const port of ports) port.postMessage(message);
}

function change(name) {
  state = { kind: "state", state: name, at: Date.now() };
  tell(state);
}

function open() {
  if (source !== null) source.close();
  source = new EventSource(address, { withCredentials: true });
  source.addEventListener("hello", () => {
    change("live");
    if (hasMissed) tell({ kind: "resync" });
    hasMissed = false;
  });
  source.addEventListener("resync", () => tell({ kind: "resync" }));
  for (const topic of TOPICS) {
    source.addEventListener(topic, (event) => {
      const { at, data } = JSON.parse(event.data);
      tell({ kind: "event", topic, at, data });
    });
  }
  source.addEventListener("error", () => {
    hasMissed = true;
    /* CLOSED means that something answered but not with a stream. Otherwise the browser tries again by itself. */
    if (source.readyState === EventSource.CLOSED) {
      source = null;
      askWhy();
    } else if (state.state !== "lost") {
      change("lost");
    }
  });
}

/* The browser tells no status: a session that has ended stays so, but a proxy or a server that is away comes back. */
async function askWhy() {
  if (state.state !== "lost") change("lost");
  const asked = new AbortController();
  const isOut = await fetch(address, { credentials: "include", signal: asked.signal }).then(
    ({ status }) => status === 401 || status === 403,
    () => false,
  );
  asked.abort(); /* Where it is a stream again, this is not the connection that reads it. */
  if (source !== null) return;
  if (isOut) change("out");
  else self.setTimeout(() => source === null && ports.size > 0 && open(), RETRY);
}

self.addEventListener("connect", (event) => {
  const port = event.ports[0];
  ports.add(port);
  port.addEventListener("message", ({ data }) => {
    if (data.kind === "open") {
      if (source === null || address !== data.url) {
        address = data.url;
        change("connecting");
        open();
      } else {
        port.postMessage(state);
      }
    } else if (data.kind === "close") {
      ports.delete(port);
      if (ports.size === 0 && source !== null) {
        source.close();
        source = null;
      }
    }
  });
  port.start();
});
