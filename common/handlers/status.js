"use strict";
/* Takes over the <main> of this page as it is now, each second: the server alone draws it. */
(() => {
  const live = document.getElementById("live"), pause = document.getElementById("pause");
  let paused = false, seen = Date.now();

  function say(text, late) {
    live.textContent = text;
    live.className = late ? "late" : "";
  }

  async function take() {
    const answer = await fetch(location.href, {
      cache: "no-store", headers: {Accept: "text/html"}, signal: AbortSignal.timeout(5000)});
    if (!answer.ok) throw new Error("status " + answer.status);
    const text = await answer.text(), end = "</main>";
    const part = text.slice(text.indexOf("<main>"), text.indexOf(end) + end.length);
    const page = new DOMParser().parseFromString(part, "text/html");
    if (!paused) document.querySelector("main").replaceWith(page.querySelector("main"));
    seen = Date.now();
  }

  /* Whoever marks some text wants to copy it. */
  const mayDraw = () => !paused && !document.hidden && getSelection().isCollapsed;

  async function tick() {
    try {
      if (mayDraw()) await take();
      say(paused ? "paused" : "live", false);
    } catch (error) {
      say("no answer for " + Math.round((Date.now() - seen) / 1000) + " s", true);
    }
    setTimeout(tick, 1000);
  }

  pause.hidden = false;
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.textContent = paused ? "Go on" : "Pause";
    say(paused ? "paused" : "live", false);
  });
  say("live", false);
  setTimeout(tick, 1000);
})();
