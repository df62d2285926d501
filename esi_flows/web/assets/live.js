// Keeps the page current: on every change it asks for itself again, and takes over what differs.
"use strict";
(() => {
  const PAUSE = 800;
  const told = document.getElementById("live");
  if (!told) return;
  let etag = "", timer = 0, last = 0, since = Date.now(), broken = false;

  const say = (text, kind) => {
    if (told.textContent !== text) told.textContent = text;
    told.className = "live " + kind;
  };

  const keyed = (node) => node.nodeType === 1 && node.id;

  const attributes = (old, now) => {
    for (const { name } of [...old.attributes])
      if (!now.hasAttribute(name) && name !== "open") old.removeAttribute(name);
    for (const { name, value } of now.attributes)
      if (name !== "open" && old.getAttribute(name) !== value) old.setAttribute(name, value);
  };

  const morph = (old, now) => {
    attributes(old, now);
    // what somebody is typing, or has opened or chosen, stays
    if (old.contains(document.activeElement) && ["INPUT", "SELECT"].includes(old.tagName)) return;
    const named = new Map([...old.childNodes].filter(keyed).map((node) => [node.id, node]));
    let place = old.firstChild;
    for (const next of [...now.childNodes]) {
      const mine = keyed(next) ? named.get(next.id)
        : place && !keyed(place) && place.nodeName === next.nodeName ? place : null;
      if (!mine) {
        old.insertBefore(document.importNode(next, true), place);
        continue;
      }
      if (mine === place) place = place.nextSibling;
      else old.insertBefore(mine, place);
      if (mine.nodeType !== 1) {
        if (mine.nodeValue !== next.nodeValue) mine.nodeValue = next.nodeValue;
      } else if (!mine.isEqualNode(next)) morph(mine, next);
    }
    while (place) {
      const gone = place;
      place = place.nextSibling;
      gone.remove();
    }
  };

  const refresh = async () => {
    timer = 0;
    last = Date.now();
    try {
      const headers = { Accept: "text/html" };
      if (etag) headers["If-None-Match"] = etag;
      const answer = await fetch(location.href, { headers, cache: "no-store" });
      if (answer.redirected) return location.reload();
      etag = answer.headers.get("ETag") || "";
      if (answer.status !== 304) {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        if (!page.getElementById("main")) throw new Error("no page");
        document.title = page.title;
        told.remove();
        page.getElementById("live").remove();
        morph(document.body, document.importNode(page.body, true));
        document.getElementById("top").append(told);
      }
      since = Date.now();
      if (!broken) say("Live", "on");
      tick();
    } catch {
      plan(2000);
    }
  };

  const plan = (least = 0) => {
    if (!timer) timer = setTimeout(refresh, Math.max(least, last + PAUSE - Date.now(), 0));
  };

  const ago = (seconds) => {
    if (seconds < 60) return `${seconds}s`;
    if (seconds < 3600) return `${Math.floor(seconds / 60)}m${String(seconds % 60).padStart(2, "0")}s`;
    return `${Math.floor(seconds / 3600)}h${String(Math.floor(seconds / 60) % 60).padStart(2, "0")}m`;
  };

  const tick = () => {
    for (const node of document.querySelectorAll("[data-since]")) {
      const text = ago(Math.max(0, Math.round((Date.now() - Date.parse(node.dataset.since)) / 1000)));
      if (node.textContent !== text) node.textContent = text;
    }
    if (broken) say(`Reconnecting: shown as it was ${ago(Math.round((Date.now() - since) / 1000))} ago`, "off");
  };

  const listen = () => {
    const stream = new EventSource(`/stream?after=${told.dataset.revision}`);
    stream.onopen = () => {
      broken = false;
      say("Live", "on");
      plan();
    };
    stream.addEventListener("change", () => plan());
    stream.onerror = () => {
      if (!broken) since = Date.now();
      broken = true;
      tick();
      if (stream.readyState === EventSource.CLOSED) setTimeout(listen, 2000);
    };
  };

  for (const form of document.querySelectorAll("form.filters"))
    form.addEventListener("change", () => form.requestSubmit());
  setInterval(tick, 1000);
  tick();
  listen();
})();
