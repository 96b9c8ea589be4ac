/* Put what a letter's link carries behind its # into the form, and take it out of the address bar. */
(() => {
  const field = document.querySelector("#letter-form input[name=token]");
  const token = decodeURIComponent(window.location.hash.slice(1));
  if (!field || !token) return;
  field.value = token;
  window.history.replaceState(null, "", window.location.pathname);
})();
