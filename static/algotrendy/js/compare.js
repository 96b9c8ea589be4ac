/* Several equity curves over one axis of time. */
(function () {
  "use strict";
  const { Console, ConsoleCharts } = window;

  window.addEventListener("DOMContentLoaded", () => {
    const lines = Console.json("compare-data");
    if (lines) {
      const chart = new ConsoleCharts.LinesChart(document.getElementById("compare-chart"));
      for (const { points, color } of lines) chart.add(points, color);
    }
    window.__ready = true;
  });
})();
