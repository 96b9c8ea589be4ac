/* A backtest's page: its charts and the trades that are linked to them, or how far it is while it runs. */
(function () {
  "use strict";
  const { Console, ConsoleCharts } = window;
  const POLL = 5000;

  /* The stream tells of progress; where it is away the row is asked. The end reloads the page with its result. */
  function follow(state) {
    const find = (name) => state.querySelector(`[data-slot="${name}"]`);
    const show = ({ status, progress, stage }) => {
      if (status !== "pending" && status !== "running") {
        window.location.reload();
        return;
      }
      find("progress").value = progress;
      find("percent").textContent = `${progress}%`;
      if (stage) find("stage").textContent = stage.charAt(0).toUpperCase() + stage.slice(1);
      else if (status === "running") find("stage").textContent = "Starting";
    };
    const ask = async () => {
      try {
        show(await Console.load(state.dataset.url));
      } catch {
        /* Asked again in a while. */
      }
    };
    Console.live.on("backtests", (data) => data.id === state.dataset.id && show(data));
    Console.live.on("resync", ask);
    window.setInterval(ask, POLL);
  }

  class Report {
    constructor(root, data) {
      this.root = root;
      this.find = (name) => root.querySelector(`[data-slot="${name}"]`);
      this.asked = 0;
      this.equity = new ConsoleCharts.EquityChart(this.find("curve"));
      this.equity.set(data.curve.equity, data.curve.held);
      this.offerHeld(data.curve);
      this.candles = new ConsoleCharts.CandleChart(this.find("candles"), this.find("legend"));
      this.candles.chart.subscribeClick((event) => {
        const trade = this.tradeAt(event);
        if (trade !== undefined) this.choose(trade);
      });
      this.find("symbol").addEventListener("change", () => this.load(this.find("symbol").value));
      for (const row of root.querySelectorAll("[data-trade]")) {
        row.addEventListener("click", () => this.load(row.dataset.symbol, row.dataset.trade));
      }
    }

    /* Buying and holding is drawn at once only where it leaves the equity's own moves to be seen. */
    offerHeld({ equity, held }) {
      const range = (rows) => Math.max(...rows.map((row) => row[1])) - Math.min(...rows.map((row) => row[1]));
      const button = this.root.querySelector('[data-line="held"]');
      const show = (visible) => {
        button.setAttribute("aria-pressed", String(visible));
        this.equity.toggleCompared(visible);
      };
      show(range(held) < 6 * range(equity));
      button.addEventListener("click", () => show(button.getAttribute("aria-pressed") !== "true"));
    }

    tradeAt(event) {
      if (event.hoveredObjectId !== undefined) return event.hoveredObjectId;
      const marker = (this.candles.shownMarkers || []).find((each) => each.time === event.time);
      return marker && marker.order;
    }

    async load(symbol, trade) {
      const asked = ++this.asked;
      const wanted = new URLSearchParams({ symbol, ...(trade === undefined ? {} : { trade }) });
      try {
        const data = await Console.load(`${this.root.dataset.chart}?${wanted}`);
        if (asked !== this.asked) return;
        this.find("symbol").value = symbol;
        this.candles.set(data);
        if (trade !== undefined) {
          this.choose(trade);
          this.focus(data, trade);
        }
      } catch (error) {
        this.find("legend").textContent = error.message;
      }
    }

    focus(data, trade) {
      const times = data.markers.filter((marker) => marker.order === trade).map((marker) => marker.time);
      const rows = times.map((time) => data.candles.findIndex((candle) => candle[0] === time));
      if (!rows.length) return;
      const room = Math.max(15, (Math.max(...rows) - Math.min(...rows)) / 2);
      this.candles.chart.timeScale().setVisibleLogicalRange({ from: Math.min(...rows) - room, to: Math.max(...rows) + room });
    }

    choose(trade) {
      for (const row of this.root.querySelectorAll("[data-trade]")) {
        const isChosen = row.dataset.trade === trade;
        row.classList.toggle("is-chosen", isChosen);
        if (isChosen) row.scrollIntoView({ block: "nearest" });
      }
    }
  }

  window.addEventListener("DOMContentLoaded", async () => {
    const data = Console.json("backtest-data");
    const walk = Console.json("walk-data");
    if (walk) new ConsoleCharts.EquityChart(document.getElementById("walk-curve")).set(walk.curve);
    const state = document.getElementById("job-state");
    if (data) {
      const report = new Report(document.getElementById("backtest"), data);
      await report.load(data.symbols[0]);
    } else if (state && ["pending", "running"].includes(state.dataset.status)) {
      follow(state);
    }
    window.__ready = true;
  });
})();
