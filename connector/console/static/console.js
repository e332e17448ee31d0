// What a browser with scripts has beyond the pages themselves: parts that refresh, keys that lead to pages, copying.
// A part that refreshes says how often in seconds: <div id="..." data-live="5">. It is taken anew from the page's own address.
"use strict";
(() => {
  const parts = [...document.querySelectorAll("[data-live][id]")];
  const pause = document.getElementById("pause");
  const paused = () => localStorage.getItem("paused") === "yes";
  const say = () => { pause.textContent = paused() ? "Go on refreshing" : "Pause refreshing"; };
  const stale = document.getElementById("stale");
  let taken = Date.now(), failing = false;

  // Whoever leaves a page open must not take what was right an hour ago for what is right now.
  function age() {
    const old = failing || Date.now() - taken > 20000;
    const why = failing ? "it could not be taken anew" : paused() ? "refreshing is paused" : "something in it is open or in use";
    const text = old ? `This page is as of ${new Date(taken).toISOString().slice(0, 19).replace("T", " ")}: since then ${why}.` : "";
    if (stale.textContent !== text) stale.textContent = text;
    stale.hidden = !old;
  }

  async function refresh(part) {
    if (paused() || document.hidden || part.contains(document.activeElement) || part.querySelector("details[open]")) return;
    const answer = await fetch(location.href, { headers: { "X-Refresh": part.id }, credentials: "same-origin" });
    if (answer.redirected) return location.reload(); // the session is over: to the sign-in, and back here
    failing = !answer.ok;
    if (failing) return;
    taken = Date.now();
    const found = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(part.id);
    if (found && !paused()) part.innerHTML = found.innerHTML;
  }

  for (const part of parts) setInterval(() => refresh(part).catch(() => { failing = true; }).finally(age), Number(part.dataset.live) * 1000);
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

  for (const each of document.querySelectorAll("[data-scripted]")) each.hidden = false;

  for (const file of document.querySelectorAll("[data-into]")) {
    file.closest("[hidden]").hidden = false;
    file.addEventListener("change", async () => {
      if (file.files.length) document.getElementById(file.dataset.into).value = await file.files[0].text();
    });
  }

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

  // On a phone the pages stand in one long line: the one that is shown is to be seen there.
  document.querySelector("nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

  let going = 0;
  document.addEventListener("keydown", (event) => {
    if (event.target.matches("input, textarea, select") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/") { event.preventDefault(); document.getElementById("search")?.focus(); return; }
    if (event.key === "g") { going = Date.now(); return; }
    if (Date.now() - going < 1500) document.querySelector(`nav [data-key="${CSS.escape(event.key)}"]`)?.click();
    going = 0;
  });
})();
