/* A live list: rows that change are read again and put in place; new ones are offered by a button. */
(function () {
  "use strict";
  const { Console } = window;
  const changed = new Set();
  const unseen = new Set();

  function rowOf(id, within = document) {
    const link = within.querySelector(`#result_list a[href*="${id}"]`);
    return link ? link.closest("tr") : null;
  }

  async function refresh() {
    const ids = [...changed];
    changed.clear();
    const response = await fetch(window.location.href, {
      credentials: "same-origin",
      headers: { "X-Background": "1" }, // messages are for the page that a person sees
    });
    if (!response.ok || response.redirected) return;
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    for (const id of ids) {
      const [before, after] = [rowOf(id), rowOf(id, fresh)];
      if (before && after) copy(before, after);
      else if (!before && after) unseen.add(id);
    }
    offer();
  }

  /* Only the cells: the row's own menu keeps working. */
  function copy(before, after) {
    for (const name of news().dataset.fields.split(" ")) {
      const [old, fresh] = [before.querySelector(`.field-${name}`), after.querySelector(`.field-${name}`)];
      if (old && fresh) old.replaceChildren(...fresh.childNodes);
    }
    before.classList.add("is-changed");
    window.setTimeout(() => before.classList.remove("is-changed"), 1200);
  }

  function news() {
    return document.getElementById("list-news");
  }

  function offer() {
    news().querySelector(".list-news-count").textContent = String(unseen.size);
    news().hidden = unseen.size === 0;
  }

  /* After a gap in the stream every row on the page may be old. */
  function refreshAll() {
    for (const link of document.querySelectorAll("#result_list tbody th a")) {
      changed.add(new URL(link.href).pathname.split("/").at(-3));
    }
    if (changed.size) refresh();
  }

  window.addEventListener("DOMContentLoaded", () => {
    news().querySelector("button").addEventListener("click", () => window.location.reload());
    const later = Console.throttle(refresh, 1500);
    Console.live.on(news().dataset.topic, (data) => {
      changed.add(data.id);
      later();
    });
    Console.live.on("resync", refreshAll);
    window.__ready = true;
  });
})();
