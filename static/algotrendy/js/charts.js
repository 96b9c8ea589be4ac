/* The charts of the console on TradingView's Lightweight Charts; they follow the theme. */
(function () {
  "use strict";
  const { LightweightCharts: lib, Console } = window;

  function token(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim() || "#93a0b2";
  }

  function options() {
    return {
      autoSize: true,
      layout: {
        background: { color: "transparent" },
        textColor: token("--text-soft"),
        fontFamily: "Inter, sans-serif",
        fontSize: 11,
        attributionLogo: true,
        panes: { separatorColor: token("--hairline"), enableResize: false },
      },
      grid: { vertLines: { color: token("--hairline") }, horzLines: { color: token("--hairline") } },
      rightPriceScale: { borderColor: token("--hairline") },
      timeScale: { borderColor: token("--hairline"), timeVisible: true, secondsVisible: false, rightOffset: 3 },
      crosshair: { mode: lib.CrosshairMode.Normal },
      localization: { timeFormatter: (time) => Console.stamp(time * 1000).slice(0, 16) },
    };
  }

  function candleColors() {
    const [up, down] = [token("--up"), token("--down")];
    return { upColor: up, downColor: down, wickUpColor: up, wickDownColor: down, borderVisible: false };
  }

  function follow(chart, restyle) {
    const repaint = () => {
      chart.applyOptions(options());
      restyle();
    };
    new MutationObserver(repaint).observe(document.documentElement, { attributes: true, attributeFilter: ["class"] });
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
  }

  /* Candles with markers; with `full`, also volume, SMA, EMA and RSI in a pane of its own. */
  class CandleChart {
    constructor(element, legend, { full = false } = {}) {
      this.legend = legend;
      this.full = full;
      this.decimals = 2;
      this.rows = new Map();
      this.chart = lib.createChart(element, options());
      this.candles = this.chart.addSeries(lib.CandlestickSeries, candleColors());
      this.markers = lib.createSeriesMarkers(this.candles, []);
      this.lines = {};
      if (full) this.addOverlays();
      this.chart.subscribeCrosshairMove((event) => this.showLegend(event.time));
      follow(this.chart, () => {
        this.candles.applyOptions(candleColors());
        if (this.data) this.set(this.data, { keepView: true });
      });
    }

    addOverlays() {
      const quiet = { lineWidth: 1.5, priceLineVisible: false, lastValueVisible: false, crosshairMarkerVisible: false };
      this.volume = this.chart.addSeries(lib.HistogramSeries, {
        priceScaleId: "volume",
        priceFormat: { type: "volume" },
        lastValueVisible: false,
        priceLineVisible: false,
      });
      this.chart.priceScale("volume").applyOptions({ scaleMargins: { top: 0.82, bottom: 0 } });
      this.lines.sma = this.chart.addSeries(lib.LineSeries, { ...quiet, color: "#6499ff" });
      this.lines.ema = this.chart.addSeries(lib.LineSeries, { ...quiet, color: "#f0a63a" });
      this.lines.rsi = this.chart.addSeries(
        lib.LineSeries,
        { ...quiet, color: "#b48cff", lastValueVisible: true, priceFormat: { type: "price", precision: 1, minMove: 0.1 } },
        1,
      );
      for (const price of [30, 70]) {
        this.lines.rsi.createPriceLine({ price, color: "#657287", lineWidth: 1, lineStyle: 2, axisLabelVisible: false });
      }
      this.chart.panes()[1].setStretchFactor(0.22);
      this.chart.panes()[0].setStretchFactor(0.78);
    }

    set(data, { keepView = false } = {}) {
      this.data = data;
      this.decimals = data.price_decimals;
      const minMove = 10 ** -this.decimals;
      this.candles.applyOptions({ priceFormat: { type: "price", precision: this.decimals, minMove } });
      this.rows = new Map();
      const view = keepView ? this.chart.timeScale().getVisibleLogicalRange() : null;
      this.candles.setData(data.candles.map((row) => this.remember(row)));
      if (this.full) {
        this.volume.setData(data.candles.map((row) => this.volumeBar(row)));
        for (const [name, line] of Object.entries(this.lines)) line.setData(this.points(data, name));
      }
      this.mark(data.markers);
      if (view) this.chart.timeScale().setVisibleLogicalRange(view);
      else this.focus(data.candles.length);
      this.showLegend();
    }

    /* Put the newest candles over those shown; what is older than the chart's last stays. */
    update(data) {
      for (const row of data.candles) {
        if (this.last && row[0] < this.last) continue;
        this.candles.update(this.remember(row));
        if (this.full) this.volume.update(this.volumeBar(row));
      }
      if (this.full) {
        for (const [name, line] of Object.entries(this.lines)) {
          const shown = line.data();
          const newest = shown.length ? shown[shown.length - 1].time : 0;
          for (const point of this.points(data, name)) {
            if (point.time >= newest && point.value !== undefined) line.update(point);
          }
        }
      }
      if (data.markers) this.mark(this.merge(data.markers));
      this.showLegend();
    }

    merge(markers) {
      const known = new Map((this.shownMarkers || []).map((marker) => [marker.order + marker.time, marker]));
      for (const marker of markers) known.set(marker.order + marker.time, marker);
      return [...known.values()].sort((a, b) => a.time - b.time);
    }

    focus(count) {
      const width = Math.max(40, Math.floor(this.chart.timeScale().width() / 9) || 100);
      this.chart.timeScale().setVisibleLogicalRange({ from: Math.max(0, count - width), to: count + 2 });
    }

    remember([time, open, high, low, close, volume]) {
      this.rows.set(time, { open, high, low, close, volume });
      this.last = Math.max(this.last || 0, time);
      return { time, open, high, low, close };
    }

    volumeBar([time, open, , , close, volume]) {
      return { time, value: volume, color: `${token(close >= open ? "--up" : "--down")}66` };
    }

    points(data, name) {
      const values = data.overlays[name];
      return data.candles.map((row, index) =>
        values[index] === null ? { time: row[0] } : { time: row[0], value: values[index] },
      );
    }

    mark(markers) {
      this.shownMarkers = markers;
      this.markers.setMarkers(
        markers.map((marker) => ({
          time: marker.time,
          position: marker.side === "buy" ? "belowBar" : "aboveBar",
          shape: marker.side === "buy" ? "arrowUp" : "arrowDown",
          color: token(marker.side === "buy" ? "--info" : "--warn"),
          text: marker.side === "buy" ? "B" : "S",
          id: marker.order,
        })),
      );
    }

    showLegend(time) {
      const at = time ?? this.last;
      const row = this.rows.get(at);
      this.legend.replaceChildren();
      if (!row || !this.data) return;
      const tone = row.close >= row.open ? "tone-up" : "tone-down";
      this.legend.append(Console.make("b", "", this.data.symbol), ` ${this.data.timeframe} `);
      for (const [letter, value] of [["O", row.open], ["H", row.high], ["L", row.low], ["C", row.close]]) {
        this.legend.append(` ${letter} `, Console.make("span", tone, Console.amount(value, this.decimals)));
      }
      if (this.full) this.legend.append(Console.make("br"), ...this.keys(at));
    }

    keys(time) {
      const parts = [];
      for (const [name, text, decimals] of [["ema", "EMA 21", this.decimals], ["sma", "SMA 50", this.decimals], ["rsi", "RSI 14", 1]]) {
        const point = this.lines[name].data().findLast((each) => each.time === time);
        if (!this.lines[name].options().visible) continue;
        parts.push(Console.make("i", `key-${name}`), `${text} ${point && point.value !== undefined ? Console.amount(point.value, decimals) : ""}`);
      }
      return parts;
    }

    toggle(name, visible) {
      this.lines[name].applyOptions({ visible });
      if (name === "rsi") this.chart.panes()[1].setStretchFactor(visible ? 0.22 : 0.0001);
      this.showLegend();
    }
  }

  /* Equity above, drawdown below, on one axis of time. */
  class EquityChart {
    constructor(element) {
      this.chart = lib.createChart(element, options());
      this.equity = this.chart.addSeries(lib.AreaSeries, {
        lineColor: "#3b7cff", topColor: "#3b7cff55", bottomColor: "#3b7cff05", lineWidth: 2,
      });
      this.drawdown = this.chart.addSeries(
        lib.AreaSeries,
        {
          lineColor: token("--down"), topColor: "transparent", bottomColor: `${token("--down")}44`, lineWidth: 1.5, invertFilledArea: true,
          priceFormat: { type: "custom", minMove: 0.01, formatter: (value) => `${Console.amount(value, 2)}%` },
        },
        1,
      );
      this.chart.panes()[0].setStretchFactor(0.7);
      this.chart.panes()[1].setStretchFactor(0.3);
      follow(this.chart, () => this.drawdown.applyOptions({ lineColor: token("--down"), bottomColor: `${token("--down")}44` }));
    }

    /* Rows of [time, equity, drawdown in percent], and where there is one a line to compare with, [time, value]. */
    set(curve, compared) {
      this.equity.setData(curve.map(([time, value]) => ({ time, value })));
      this.drawdown.setData(curve.map(([time, , value]) => ({ time, value })));
      if (compared) this.compare(compared);
      this.chart.timeScale().fitContent();
    }

    compare(points) {
      const quiet = { lineWidth: 1.5, lineStyle: 2, priceLineVisible: false, lastValueVisible: false, crosshairMarkerVisible: false };
      this.compared = this.chart.addSeries(lib.LineSeries, { ...quiet, color: "#93a0b2" });
      this.compared.setData(points.map(([time, value]) => ({ time, value })));
    }

    toggleCompared(visible) {
      this.compared.applyOptions({ visible });
    }
  }

  /* Several lines over one axis of time, each with a color of its own. */
  class LinesChart {
    constructor(element) {
      this.chart = lib.createChart(element, options());
      follow(this.chart, () => {});
    }

    add(points, color, unit = "%") {
      const line = this.chart.addSeries(lib.LineSeries, {
        color, lineWidth: 2, priceLineVisible: false,
        priceFormat: { type: "custom", minMove: 0.01, formatter: (value) => `${Console.amount(value, 2)}${unit}` },
      });
      line.setData(points.map(([time, value]) => ({ time, value })));
      this.chart.timeScale().fitContent();
    }
  }

  window.ConsoleCharts = { CandleChart, EquityChart, LinesChart };
})();
