/* The market page: one instrument and timeframe, both in the URL, kept fresh by the stream. */
(function () {
  "use strict";
  const { Console, ConsoleCharts } = window;
  const root = document.getElementById("market");
  const page = Console.json("market-page");
  const find = (name) => root.querySelector(`[data-slot="${name}"]`);
  const query = new URLSearchParams(window.location.search);
  const chosen = { symbol: null, timeframe: null };
  let chart = null;
  let asking = null;

  function quote(data) {
    const { day, price_decimals: decimals } = data;
    const price = find("price");
    Console.put(price, Console.amount(day.price, decimals), day.price ?? undefined);
    if (day.change_percent !== null) Console.setTone(price, Console.tone(day.change_percent));
    const change = find("change");
    Console.put(change, day.change_percent === null ? "\u2013" : `${Console.signed(day.change_percent, 2)}%`);
    Console.setTone(change, day.change_percent === null ? "flat" : Console.tone(day.change_percent));
    Console.put(find("high"), Console.amount(day.high, decimals));
    Console.put(find("low"), Console.amount(day.low, decimals));
    Console.put(find("at"), day.at === null ? "\u2013" : Console.stamp(day.at).slice(0, 16));
  }

  function problem(error) {
    const box = document.getElementById("market-problem");
    box.hidden = error === null;
    find("quote").classList.toggle("is-stale", error !== null);
    if (error !== null) box.querySelector("span").textContent = `${error.message} What is shown is the last that was read.`;
  }

  async function load(tail) {
    if (!tail && asking) asking.abort();
    const controller = new AbortController();
    if (!tail) asking = controller;
    const wanted = new URLSearchParams({ ...chosen, ...(page.portfolio ? { portfolio: page.portfolio } : {}), ...(tail ? { tail } : {}) });
    try {
      const data = await Console.load(`${root.dataset.chart}?${wanted}`, controller.signal);
      if (data.symbol !== chosen.symbol || data.timeframe !== chosen.timeframe) return;
      if (tail) chart.update(data);
      else chart.set(data);
      find("empty").hidden = tail ? true : data.candles.length > 0;
      quote(data);
      problem(null);
    } catch (error) {
      if (error.name !== "AbortError") problem(error);
    }
  }

  function choose(symbol, frame) {
    const offered = page.series.find((each) => each.symbol === symbol).timeframes;
    chosen.symbol = symbol;
    chosen.timeframe = offered.includes(frame) ? frame : offered[0];
    find("timeframes").replaceChildren(
      ...offered.map((name) => {
        const button = Console.make("button", "", name);
        button.type = "button";
        button.setAttribute("aria-pressed", String(name === chosen.timeframe));
        button.addEventListener("click", () => choose(chosen.symbol, name));
        return button;
      }),
    );
    window.history.replaceState(null, "", `?${new URLSearchParams(chosen)}`);
    return load();
  }

  window.addEventListener("DOMContentLoaded", async () => {
    if (!page.series.length) {
      find("empty").hidden = false;
      window.__ready = true;
      return;
    }
    chart = new ConsoleCharts.CandleChart(find("canvas"), find("legend"), { full: true });
    for (const button of root.querySelectorAll("[data-overlay]")) {
      button.addEventListener("click", () => {
        const isOn = button.getAttribute("aria-pressed") !== "true";
        button.setAttribute("aria-pressed", String(isOn));
        chart.toggle(button.dataset.overlay, isOn);
      });
    }
    const symbols = find("symbol");
    symbols.replaceChildren(...page.series.map((each) => new Option(each.symbol, each.symbol)));
    const asked = page.series.find((each) => each.symbol === query.get("symbol")) || page.series[0];
    symbols.value = asked.symbol;
    symbols.addEventListener("change", () => choose(symbols.value, chosen.timeframe));
    document.getElementById("market-problem").querySelector("button").addEventListener("click", () => load());
    const refresh = Console.throttle(() => load(3), 1000);
    Console.live.on("candles", (data) => {
      if (data.symbol === chosen.symbol && data.timeframe === chosen.timeframe) refresh();
    });
    Console.live.on("fills", (data) => data.symbol === chosen.symbol && refresh());
    Console.live.on("resync", () => load());
    await choose(asked.symbol, query.get("timeframe"));
    window.__ready = true;
  });
})();
