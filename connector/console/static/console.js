// What a browser with scripts has beyond the pages themselves: parts that refresh, keys that lead to pages, copying.
// A part that refreshes says how often in seconds: <div id="..." data-live="5">. It is taken anew from the page's own address.
"use strict";
(() => {
  const parts = [...document.querySelectorAll("[data-live][id]")];
  const pause = document.getElementById("pause");
  const paused = () => localStorage.getItem("paused") === "yes";
  const say = () => { pause.textContent = paused() ? "Go on refreshing" : "Pause refreshing"; };

  async function refresh(part) {
    if (paused() || document.hidden || part.contains(document.activeElement) || part.querySelector("details[open]")) return;
    const answer = await fetch(location.href, { headers: { "X-Refresh": part.id }, credentials: "same-origin" });
    if (!answer.ok || answer.redirected) return;
    const found = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(part.id);
    if (found && !paused()) part.innerHTML = found.innerHTML;
  }

  for (const part of parts) setInterval(() => refresh(part).catch(() => {}), Number(part.dataset.live) * 1000);
  if (parts.length && pause) {
    pause.hidden = false;
    pause.addEventListener("click", () => { localStorage.setItem("paused", paused() ? "no" : "yes"); say(); });
    say();
  }

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    button.textContent = "Copied";
  });

  let ticked = null;
  for (const all of document.querySelectorAll("[data-all]")) {
    const boxes = [...all.form.querySelectorAll(`input[name="${CSS.escape(all.dataset.all)}"]`)];
    all.hidden = false;
    all.addEventListener("change", () => { for (const each of boxes) each.checked = all.checked; });
    for (const box of boxes) box.addEventListener("click", (event) => {
      const [from, to] = [boxes.indexOf(ticked), boxes.indexOf(box)].sort((a, b) => a - b);
      if (event.shiftKey && from >= 0) for (const each of boxes.slice(from, to + 1)) each.checked = box.checked;
      ticked = box;
    });
  }

  let going = 0;
  document.addEventListener("keydown", (event) => {
    if (event.target.matches("input, textarea, select") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/") { event.preventDefault(); document.getElementById("search")?.focus(); return; }
    if (event.key === "g") { going = Date.now(); return; }
    if (Date.now() - going < 1500) document.querySelector(`nav [data-key="${CSS.escape(event.key)}"]`)?.click();
    going = 0;
  });
})();
