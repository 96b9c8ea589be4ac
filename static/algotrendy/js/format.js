/* Numbers, times and ages as the console shows them. */
window.Console = (function () {
  "use strict";
  const MINUS = "\u2212";

  function amount(value, decimals) {
    if (value === null || value === undefined || value === "") return "\u2013";
    const text = Number(value).toLocaleString("en-US", {
      minimumFractionDigits: decimals,
      maximumFractionDigits: decimals,
    });
    return /^-0(\.0+)?$/.test(text) ? text.slice(1) : text.replace("-", MINUS);
  }

  function signed(value, decimals) {
    const text = amount(value, decimals);
    return isPositive(value, decimals) ? `+${text}` : text;
  }

  function isPositive(value, decimals) {
    return Number(Number(value).toFixed(decimals ?? 8)) > 0;
  }

  function tone(value, decimals = 2) {
    const rounded = Number(Number(value).toFixed(decimals));
    return rounded > 0 ? "up" : rounded < 0 ? "down" : "flat";
  }

  function age(milliseconds) {
    const seconds = Math.max(0, milliseconds / 1000);
    if (seconds < 60) return `${Math.floor(seconds)} s`;
    if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
    if (seconds < 86400) return `${Math.floor(seconds / 3600)} h`;
    return `${Math.floor(seconds / 86400)} d`;
  }

  function clock(iso) {
    return new Date(iso).toISOString().slice(11, 19);
  }

  function stamp(iso) {
    return `${new Date(iso).toISOString().slice(0, 19).replace("T", " ")} UTC`;
  }

  function setTone(element, name) {
    element.classList.remove("tone-up", "tone-down", "tone-flat");
    element.classList.add(`tone-${name}`);
  }

  /* Put a text; where it is a number that changed, flash briefly in the direction of the change. */
  function put(element, text, number) {
    const before = Number(element.dataset.number);
    element.classList.remove("skeleton");
    if (number !== undefined && element.dataset.number !== undefined && before !== Number(number)) {
      const name = Number(number) > before ? "flash-up" : "flash-down";
      element.classList.remove("flash-up", "flash-down");
      void element.offsetWidth;
      element.classList.add(name);
    }
    if (number !== undefined) element.dataset.number = number;
    element.textContent = text;
  }

  function make(tag, className, text) {
    const element = document.createElement(tag);
    if (className) element.className = className;
    if (text !== undefined) element.textContent = text;
    return element;
  }

  function json(id) {
    const element = document.getElementById(id);
    return element ? JSON.parse(element.textContent) : null;
  }

  /* Fetch JSON; an ended session and every failure become an Error that says what happened. */
  async function load(url, signal) {
    let response;
    try {
      response = await fetch(url, { headers: { Accept: "application/json" }, credentials: "same-origin", signal });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Error("The server cannot be reached.");
    }
    if (response.redirected || !(response.headers.get("content-type") || "").includes("json")) {
      throw new Error(response.redirected ? "Your session has ended; sign in again." : `The server answered ${response.status}.`);
    }
    const body = await response.json();
    if (!response.ok) throw new Error(body.detail || `The server answered ${response.status}.`);
    return body;
  }

  /* Return a function that runs `work` at most once in `pause` milliseconds, and once more after the last call. */
  function throttle(work, pause) {
    let timer = null;
    let last = 0;
    return function () {
      if (timer !== null) return;
      const wait = Math.max(0, last + pause - Date.now());
      timer = setTimeout(() => {
        timer = null;
        last = Date.now();
        work();
      }, wait);
    };
  }

  return { amount, signed, tone, age, clock, stamp, setTone, put, make, json, load, throttle };
})();
