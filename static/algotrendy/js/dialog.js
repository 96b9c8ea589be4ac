/* A dialog that was accepted sends nothing more while the page that follows is on its way: a late second click
   would answer after it, and take its message with it. */
(function () {
  "use strict";
  const accepted = new WeakSet();

  function isDialog(form) {
    return form.matches("#dialog > form");
  }

  document.addEventListener("htmx:beforeOnLoad", ({ detail }) => {
    if (isDialog(detail.elt) && detail.xhr.getResponseHeader("HX-Redirect")) accepted.add(detail.elt);
  });
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (accepted.has(event.detail.elt)) event.preventDefault();
  });
})();
