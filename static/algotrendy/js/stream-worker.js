/* One event stream for all tabs of the browser: HTTP/1.1 allows six connections to a host, and a tab must not take one. */
"use strict";
const TOPICS = ["candles", "orders", "fills", "positions", "portfolio", "signals"];
const ports = new Set();
let source = null;
let address = "";
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
    const wasLost = state.state === "lost";
    change("live");
    if (wasLost) tell({ kind: "resync" });
  });
  source.addEventListener("resync", () => tell({ kind: "resync" }));
  for (const topic of TOPICS) {
    source.addEventListener(topic, (event) => {
      const { at, data } = JSON.parse(event.data);
      tell({ kind: "event", topic, at, data });
    });
  }
  source.addEventListener("error", () => {
    /* CLOSED means that the server refused: the session has ended. Otherwise the browser tries again by itself. */
    if (source.readyState === EventSource.CLOSED) {
      change("out");
      source = null;
    } else if (state.state !== "lost") {
      change("lost");
    }
  });
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
