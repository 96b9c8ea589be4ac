/* The form of a recurring job: says in words what the chosen crontab means. */
(function () {
  "use strict";
  const select = document.getElementById("id_crontab");
  const source = document.getElementById("readable-crontabs");
  if (!select || !source) return;
  const words = JSON.parse(source.textContent);
  const translation = document.querySelector(".field-crontab_translation");
  if (translation) translation.style.display = "none";
  const note = document.createElement("div");
  note.className = "leading-relaxed mt-2 text-xs";
  note.id = "crontab-in-words";
  (select.closest(".field-crontab") || select.parentElement).append(note);

  function show() {
    note.textContent = words[select.value] || "";
  }

  select.addEventListener("change", show);
  if (window.django && window.django.jQuery) window.django.jQuery(select).on("change", show);
  show();
})();
