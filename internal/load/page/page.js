"use strict";
(() => {
  const tip = document.getElementById("tip");
  const hide = () => { tip.hidden = true; for (const line of document.querySelectorAll(".cross")) line.style.visibility = "hidden"; };
  // nearest returns the entry of a list, ascending in x, that is nearest to x.
  const nearest = (list, x) => {
    let low = 0, high = list.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (list[middle].x < x) low = middle + 1; else high = middle;
    }
    return low > 0 && x - list[low - 1].x < list[low].x - x ? list[low - 1] : list[low];
  };
  for (const svg of document.querySelectorAll("svg[data-hover]")) {
    const list = JSON.parse(svg.dataset.hover) || [];
    if (list.length === 0) continue;
    list.sort((a, b) => a.x - b.x);
    const cross = svg.querySelector(".cross");
    svg.addEventListener("pointerleave", hide);
    svg.addEventListener("pointermove", event => {
      const box = svg.getBoundingClientRect();
      const at = nearest(list, (event.clientX - box.left) * svg.viewBox.baseVal.width / box.width);
      cross.setAttribute("x1", at.x);
      cross.setAttribute("x2", at.x);
      cross.style.visibility = "visible";
      tip.textContent = at.t;
      tip.hidden = false;
      const right = event.clientX + 16 + tip.offsetWidth > innerWidth;
      tip.style.left = (right ? Math.max(event.clientX - 16 - tip.offsetWidth, 0) : event.clientX + 16) + "px";
      tip.style.top = Math.min(event.clientY + 16, innerHeight - tip.offsetHeight) + "px";
    });
  }
  addEventListener("scroll", hide, { passive: true });
  const link = document.getElementById("download");
  const data = JSON.stringify(JSON.parse(document.getElementById("data").textContent), null, 2);
  link.href = URL.createObjectURL(new Blob([data], { type: "application/json" }));
  link.hidden = false;
})();
