/* The live pill, and `Console.live.on(topic, handler)` for the pages. */
(function () {
  "use strict";
  const TOPICS = ["candles", "orders", "fills", "positions", "portfolio", "signals", "backtests", "downloads", "alerts"];
  const RETRY = 3000;
  const workerUrl = document.currentScript.dataset.worker;
  const handlers = new Map();
  const pill = document.getElementById("live-pill");
  const page = window.Console.json("console-page") || {};
  const WORDS = { live: "Live", lost: "Reconnecting", connecting: "Connecting", out: "Signed out" };
  let state = "connecting";
  let newest = null;

  function streamUrl() {
    const url = new URL(page.stream_url, window.location.href);
    const loopback = ["localhost", "127.0.0.1", "[::1]"];
    /* The session's cookie belongs to the name under which this page was opened. */
    if (loopback.includes(url.hostname) && loopback.includes(window.location.hostname)) {
      url.hostname = window.location.hostname;
    }
    return url.href;
  }

  function emit(name, ...values) {
    for (const handler of handlers.get(name) || []) handler(...values);
  }

  function show() {
    if (!pill) return;
    pill.dataset.state = state;
    const ago = newest === null ? "" : ` \u00b7 ${window.Console.age(Date.now() - newest)}`;
    pill.querySelector(".live-text").textContent = `${WORDS[state]}${state === "live" || state === "lost" ? ago : ""}`;
    pill.title = newest === null ? "No event yet" : `Newest event ${window.Console.stamp(newest)}`;
  }

  function receive(message) {
    if (message.kind === "state") {
      state = message.state;
      emit("state", state);
    } else if (message.kind === "resync") {
      emit("resync");
    } else {
      newest = Date.parse(message.at) || Date.now();
      emit(message.topic, message.data, message.at);
    }
    show();
  }

  function connectThroughWorker() {
    const worker = new SharedWorker(workerUrl, { name: "algotrendy-stream" });
    worker.port.addEventListener("message", (event) => receive(event.data));
    worker.port.start();
    worker.port.postMessage({ kind: "open", url: streamUrl() });
    window.addEventListener("pagehide", () => worker.port.postMessage({ kind: "close" }));
    window.addEventListener("pageshow", (event) => {
      if (event.persisted) window.location.reload();
    });
  }

  function connectDirectly() {
    let source = null;
    let wasLost = false;
    const lose = () => {
      wasLost = true;
      receive({ kind: "state", state: "lost" });
    };
    const open = () => {
      source = new EventSource(streamUrl(), { withCredentials: true });
      source.addEventListener("hello", () => {
        receive({ kind: "state", state: "live" });
        if (wasLost) receive({ kind: "resync" });
        wasLost = false;
      });
      source.addEventListener("resync", () => receive({ kind: "resync" }));
      for (const topic of TOPICS) {
        source.addEventListener(topic, (event) => receive({ kind: "event", topic, ...JSON.parse(event.data) }));
      }
      source.addEventListener("error", () => {
        lose();
        if (source.readyState === EventSource.CLOSED) askWhy();
      });
    };
    /* As in the worker: only a session that has ended is not worth another try. */
    const askWhy = async () => {
      const asked = new AbortController();
      const isOut = await fetch(streamUrl(), { credentials: "include", signal: asked.signal }).then(
        ({ status }) => status === 401 || status === 403,
        () => false,
      );
      asked.abort();
      if (isOut) receive({ kind: "state", state: "out" });
      else window.setTimeout(open, RETRY);
    };
    open();
    window.addEventListener("pagehide", () => source.close());
  }

  window.Console.live = {
    on(name, handler) {
      if (!handlers.has(name)) handlers.set(name, []);
      handlers.get(name).push(handler);
    },
    get state() {
      return state;
    },
  };
  window.setInterval(show, 1000);
  window.addEventListener("DOMContentLoaded", () => {
    if (window.SharedWorker) connectThroughWorker();
    else connectDirectly();
  });
})();
