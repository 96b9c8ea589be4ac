/* Buttons that copy what another element shows. */
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  const parts = source.querySelectorAll("li");
  const text = parts.length ? [...parts].map((part) => part.textContent.trim()).join("\n") : source.textContent.trim();
  const name = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    const range = document.createRange();
    range.selectNodeContents(source);
    window.getSelection().removeAllRanges();
    window.getSelection().addRange(range);
    button.textContent = "Selected; press Ctrl C";
  }
  window.setTimeout(() => { button.textContent = name; }, 2000);
});

window.__ready = true;
