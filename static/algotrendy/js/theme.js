/* Dark unless the person chose otherwise; runs before the first paint, so that no page flashes in the other theme. */
(function () {
  "use strict";
  let chosen = '"dark"';
  try {
    if (window.localStorage.getItem("adminTheme") === null) {
      window.localStorage.setItem("adminTheme", chosen);
    }
    chosen = window.localStorage.getItem("adminTheme");
  } catch {
    /* Storage is refused: the default stands. */
  }
  const system = window.matchMedia("(prefers-color-scheme: dark)").matches;
  const isDark = chosen === '"dark"' || (chosen === '"auto"' && system);
  document.documentElement.dataset.firstTheme = isDark ? "dark" : "light";
})();
