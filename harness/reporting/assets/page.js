"use strict";
(() => {
  const root = document.documentElement;
  const narrow = () => window.innerWidth < 640;
  const media = window.matchMedia("(prefers-color-scheme: dark)");
  const coarse = window.matchMedia("(pointer: coarse)").matches;
  let printing = false;

  const isDark = () => !printing && (root.dataset.theme ? root.dataset.theme === "dark" : media.matches);

  /* Figures are computed in the light colours; in the dark each is swapped for its counterpart. */
  const swap = (value) => {
    if (typeof value === "string") return DARK[value] || value;
    if (Array.isArray(value)) return typeof value[0] === "number" ? value : value.map(swap);
    if (value && typeof value === "object") {
      const copy = {};
      for (const key of Object.keys(value)) copy[key] = swap(value[key]);
      return copy;
    }
    return value;
  };

  const config = { responsive: true, displayModeBar: false, displaylogo: false, scrollZoom: false, showTips: false, doubleClick: "reset" };

  const draw = (element) => {
    const source = document.getElementById(element.dataset.figure);
    let figure = JSON.parse(source.textContent);
    if (isDark()) figure = swap(figure);
    const layout = figure.layout;
    layout.dragmode = coarse ? false : "zoom";
    layout.hoverlabel = Object.assign({}, layout.hoverlabel, { bgcolor: isDark() ? "#1a2029" : "#ffffff", bordercolor: isDark() ? "#4a5563" : "#c7ced7" });
    if (narrow()) {
      layout.font.size = 11;
      layout.margin = Object.assign({}, layout.margin, { r: 10 });
      layout.xaxis.nticks = 5;
      for (const axis of [layout.xaxis, layout.yaxis]) if (axis.tickfont) axis.tickfont.size = 10.5;
    }
    return Plotly.react(element, figure.data, layout, config).then(() => { element.dataset.drawn = "yes"; });
  };

  const plots = Array.from(document.querySelectorAll(".plot[data-figure]"));
  const pending = new Set(plots);
  const drawOnce = (element) => { if (pending.delete(element)) return draw(element); return undefined; };
  const observer = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) { observer.unobserve(entry.target); drawOnce(entry.target); }
  }, { rootMargin: "800px 0px" });
  plots.forEach((element) => observer.observe(element));
  /* What is not in sight is drawn while the page has nothing else to do. */
  const idle = window.requestIdleCallback || ((work) => setTimeout(work, 200));
  const next = () => { const first = pending.values().next(); if (!first.done) { Promise.resolve(drawOnce(first.value)).then(() => idle(next)); } else root.dataset.ready = "yes"; };
  window.addEventListener("load", () => idle(next));

  const redraw = () => plots.filter((element) => element.dataset.drawn).forEach(draw);
  media.addEventListener("change", redraw);
  window.addEventListener("beforeprint", () => { printing = true; plots.forEach((element) => { pending.delete(element); draw(element); }); });
  window.addEventListener("afterprint", () => { printing = false; redraw(); });

  document.getElementById("theme").addEventListener("click", () => { root.dataset.theme = isDark() ? "light" : "dark"; redraw(); });

  document.querySelectorAll("[data-copy]").forEach((button) => button.addEventListener("click", () => {
    const element = document.getElementById(button.dataset.copy);
    const done = () => { button.textContent = "copied"; setTimeout(() => { button.textContent = "copy"; }, 1500); };
    const select = () => { const range = document.createRange(); range.selectNodeContents(element); const selection = window.getSelection(); selection.removeAllRanges(); selection.addRange(range); };
    if (navigator.clipboard) navigator.clipboard.writeText(element.textContent).then(done, select); else select();
  }));

  document.getElementById("save").addEventListener("click", (event) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([document.getElementById(event.currentTarget.dataset.source || "result").textContent], { type: "application/json" }));
    link.download = event.currentTarget.dataset.name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  });

  /* A link into a closed part of the page opens it. */
  const open = () => {
    const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    let closed = false;
    for (let parent = target.parentElement; parent; parent = parent.parentElement) if (parent.tagName === "DETAILS" && !parent.open) { parent.open = true; closed = true; }
    if (closed) target.scrollIntoView();
  };
  window.addEventListener("hashchange", open);
  open();

  const links = new Map(Array.from(document.querySelectorAll(".links a")).map((link) => [link.getAttribute("href").slice(1), link]));
  const spy = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      const link = links.get(entry.target.id);
      if (entry.isIntersecting && link) { links.forEach((other) => other.removeAttribute("aria-current")); link.setAttribute("aria-current", "true"); }
    }
  }, { rootMargin: "-80px 0px -70% 0px" });
  links.forEach((_, id) => { const section = document.getElementById(id); if (section) spy.observe(section); });
})();
