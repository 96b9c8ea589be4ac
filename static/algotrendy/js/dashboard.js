/* The dashboard: a snapshot by JSON, kept fresh by the stream. */
(function () {
  "use strict";
  const { Console, ConsoleCharts } = window;
  const root = document.getElementById("dashboard");
  if (!root) {
    window.__ready = true; /* no portfolio yet: there is nothing to keep up to date */
    return;
  }
  const page = Console.json("dashboard-page");
  const url = { ...root.dataset };
  const find = (name) => root.querySelector(`[data-slot="${name}"]`);
  const query = new URLSearchParams(window.location.search);
  const chosen = { portfolio: page.portfolio, span: query.get("span") || "All", symbol: null, timeframe: null };
  let candles = null;
  let equity = null;

  function remember() {
    const next = new URLSearchParams(window.location.search);
    for (const [name, value] of Object.entries(chosen)) {
      if (value && !(name === "span" && value === "All")) next.set(name, value);
      else next.delete(name);
    }
    window.history.replaceState(null, "", `?${next}`);
  }

  function put(name, value, { decimals = 2, sign = false, tone = false } = {}) {
    const element = find(name);
    Console.put(element, sign ? Console.signed(value, decimals) : Console.amount(value, decimals), value);
    if (tone) Console.setTone(element, Console.tone(value, decimals));
  }

  function note(name, ...parts) {
    const element = find(name);
    element.classList.remove("skeleton");
    element.replaceChildren(...parts);
  }

  function percent(value, tone) {
    if (value === null) return "";
    return Console.make("span", tone ? `tone-${Console.tone(value)}` : "", `${Console.signed(value, 2)}% `);
  }

  function spark(name, values, tone) {
    const svg = find(name);
    svg.replaceChildren();
    if (values.length < 2) return;
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const points = values.map((value, index) => {
      const x = (index / (values.length - 1)) * 100;
      const y = high === low ? 15 : 28 - ((value - low) / (high - low)) * 26;
      return `${x.toFixed(2)},${y.toFixed(2)}`;
    });
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("d", `M${points.join("L")}`);
    svg.append(path);
    Console.setTone(svg, tone);
  }

  function showFigures(data) {
    const { figures, sparks } = data;
    put("equity", figures.equity);
    note("equity-note", percent(figures.total_return_percent, true), "since the start");
    put("day-pnl", figures.day_pnl, { sign: true, tone: true });
    note("day-pnl-note", percent(figures.day_pnl_percent, true), "in a day");
    put("unrealized", figures.unrealized_pnl, { sign: true, tone: true });
    note("unrealized-note", `${figures.open_positions} open`, figures.exposure_percent === null ? "" : ` \u00b7 exposure ${Console.amount(figures.exposure_percent, 1)}%`);
    put("orders", figures.orders_today, { decimals: 0 });
    const rate = figures.fill_rate_percent;
    note("orders-note", `${figures.orders_filled} filled`, rate === null ? "" : ` \u00b7 fill rate ${Console.amount(rate, 0)}%`);
    put("drawdown", -figures.drawdown_percent, { tone: true });
    const deepest = figures.max_drawdown_percent;
    note("drawdown-note", deepest === null ? "below the highest equity" : `deepest ${Console.amount(-deepest, 2)}%`);
    spark("equity-spark", sparks.equity, Console.tone(figures.day_pnl));
    spark("day-pnl-spark", sparks.day_pnl, Console.tone(figures.day_pnl));
    spark("unrealized-spark", sparks.unrealized_pnl, Console.tone(figures.unrealized_pnl));
    spark("orders-spark", figures.orders_by_hour, "flat");
    spark("drawdown-spark", sparks.drawdown_percent, Number(figures.drawdown_percent) > 0 ? "down" : "flat");
  }

  function showPositions(rows) {
    const body = find("positions");
    find("positions-empty").hidden = rows.length > 0;
    find("positions-table").hidden = rows.length === 0;
    body.replaceChildren(
      ...rows.map((row) => {
        const line = Console.make("tr");
        line.dataset.position = row.id;
        const link = Console.make("a", "", row.symbol);
        link.href = row.url;
        const first = Console.make("td");
        first.append(link);
        const side = Console.make("td");
        side.append(Console.make("span", `badge badge-side badge-${row.side === "long" ? "up" : "down"}`, row.side.toUpperCase()));
        const tone = Console.tone(row.unrealized_pnl);
        const share = row.unrealized_percent === null ? "" : ` (${Console.signed(row.unrealized_percent, 2)}%)`;
        line.append(
          first,
          Console.make("td", "", row.book),
          side,
          Console.make("td", "is-figure", Console.amount(row.quantity, row.quantity_decimals)),
          Console.make("td", "is-figure", Console.amount(row.entry_price, row.price_decimals)),
          Console.make("td", "is-figure", Console.amount(row.mark_price, row.price_decimals)),
          Console.make("td", `is-figure tone-${tone}`, `${Console.signed(row.unrealized_pnl, 2)}${share}`),
        );
        return line;
      }),
    );
  }

  function showActivity(entries) {
    const list = find("activity");
    if (!entries.length) {
      const empty = Console.make("div", "empty-state");
      empty.append(Console.make("strong", "", "Nothing has happened yet"), Console.make("span", "", "Signals, fills and refused orders appear here once a strategy is enabled."));
      list.replaceChildren(empty);
      return;
    }
    list.replaceChildren(
      ...entries.map((entry) => {
        const line = Console.make("a", "activity-entry");
        line.href = entry.url;
        const time = Console.make("time", "", Console.clock(entry.at));
        time.dateTime = entry.at;
        time.title = `${Console.stamp(entry.at)}; market time ${Console.stamp(entry.market_time)}`;
        line.append(Console.make("i", `material-symbols-outlined not-italic tone-${entry.tone}`, entry.icon), Console.make("span", "", entry.text), time);
        return line;
      }),
    );
  }

  function showHealth(parts) {
    find("health").replaceChildren(
      ...parts.map((part) => {
        const line = Console.make("div", "health-part");
        line.dataset.state = part.state;
        const text = Console.make("span", "health-text", part.text);
        if (part.hint) text.append(Console.make("span", "health-hint", part.hint));
        const dot = Console.make("span", "health-dot");
        dot.setAttribute("aria-hidden", "true");
        line.append(dot, Console.make("span", "health-name", part.name), text);
        return line;
      }),
    );
  }

  function problem(error) {
    const box = document.getElementById("dashboard-problem");
    box.hidden = error === null;
    root.classList.toggle("is-stale", error !== null);
    if (error !== null) box.querySelector("span").textContent = `${error.message} What is shown is the last that was read.`;
  }

  async function attempt(work) {
    try {
      await work();
      problem(null);
    } catch (error) {
      problem(error);
    }
  }

  function address(base, values) {
    return `${base}?${new URLSearchParams(Object.entries(values).filter(([, value]) => value))}`;
  }

  const loadOverview = () =>
    attempt(async () => {
      const data = await Console.load(address(url.overview, { portfolio: chosen.portfolio, span: chosen.span }));
      if (!data.portfolio) return;
      showFigures(data);
      showPositions(data.positions);
      find("curve-empty").hidden = data.curve.length > 0;
      equity.set(data.curve);
    });

  const loadActivity = () =>
    attempt(async () => showActivity((await Console.load(address(url.activity, { portfolio: chosen.portfolio }))).entries));

  const loadHealth = () => attempt(async () => showHealth((await Console.load(url.health)).parts));

  const loadChart = (tail) =>
    attempt(async () => {
      if (!chosen.symbol) return;
      const data = await Console.load(address(url.chart, { symbol: chosen.symbol, timeframe: chosen.timeframe, portfolio: chosen.portfolio, tail }));
      if (data.symbol !== chosen.symbol || data.timeframe !== chosen.timeframe) return;
      if (tail) candles.update(data);
      else candles.set(data);
      put("price", data.day.price, { decimals: data.price_decimals });
      find("candles-empty").hidden = data.candles.length > 0 || tail;
    });

  function fillSelectors() {
    const symbols = find("symbol");
    const frames = find("timeframe");
    const series = page.series;
    if (!series.length) {
      find("candles-empty").hidden = false;
      return;
    }
    symbols.replaceChildren(...series.map((each) => new Option(each.symbol, each.symbol)));
    const asked = series.find((each) => each.symbol === query.get("symbol")) || series[0];
    symbols.value = asked.symbol;
    const choose = (symbol, frame) => {
      const offered = series.find((each) => each.symbol === symbol).timeframes;
      chosen.symbol = symbol;
      chosen.timeframe = offered.includes(frame) ? frame : offered[0];
      frames.replaceChildren(...offered.map((name) => new Option(name, name)));
      frames.value = chosen.timeframe;
      find("open-chart").href = address(url.market, { symbol, timeframe: chosen.timeframe });
      remember();
      loadChart();
    };
    symbols.addEventListener("change", () => choose(symbols.value, chosen.timeframe));
    frames.addEventListener("change", () => choose(chosen.symbol, frames.value));
    choose(asked.symbol, query.get("timeframe"));
  }

  function watchSpans() {
    for (const button of root.querySelectorAll("[data-span]")) {
      button.setAttribute("aria-pressed", String(button.dataset.span === chosen.span));
      button.addEventListener("click", () => {
        chosen.span = button.dataset.span;
        for (const other of root.querySelectorAll("[data-span]")) other.setAttribute("aria-pressed", String(other === button));
        remember();
        loadOverview();
      });
    }
  }

  function watchStream() {
    const refreshOverview = Console.throttle(loadOverview, 2000);
    const refreshActivity = Console.throttle(loadActivity, 2000);
    const refreshChart = Console.throttle(() => loadChart(3), 1000);
    const isMine = (data) => !data.portfolio || data.portfolio === chosen.portfolio;
    Console.live.on("portfolio", (data) => {
      if (data.id !== chosen.portfolio) return;
      put("equity", data.equity);
      put("unrealized", data.unrealized_pnl, { sign: true, tone: true });
      refreshOverview();
    });
    Console.live.on("orders", (data) => isMine(data) && (refreshOverview(), refreshActivity()));
    Console.live.on("fills", () => (refreshActivity(), refreshChart()));
    Console.live.on("signals", refreshActivity);
    Console.live.on("candles", (data) => {
      if (data.symbol === chosen.symbol && data.timeframe === chosen.timeframe) refreshChart();
    });
    Console.live.on("state", (state) => root.classList.toggle("is-offline", state === "lost" || state === "out"));
    Console.live.on("resync", () => (refreshOverview(), refreshActivity(), loadChart()));
  }

  window.addEventListener("DOMContentLoaded", async () => {
    const portfolio = document.getElementById("portfolio-select");
    if (portfolio) {
      portfolio.addEventListener("change", () => {
        const next = new URLSearchParams(window.location.search);
        next.set("portfolio", portfolio.value);
        window.location.search = next;
      });
    }
    if (!page.portfolio) return;
    candles = new ConsoleCharts.CandleChart(find("candles"), find("legend"));
    equity = new ConsoleCharts.EquityChart(find("curve"));
    document.getElementById("dashboard-problem").querySelector("button").addEventListener("click", () => {
      loadOverview();
      loadActivity();
      loadChart();
    });
    watchSpans();
    fillSelectors();
    watchStream();
    window.setInterval(loadHealth, 10000);
    await Promise.all([loadOverview(), loadActivity(), loadHealth()]);
    window.__ready = true;
  });
})();
