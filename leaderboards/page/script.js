"use strict";
// The page works without this: sorting, filtering and highlighting are extras.
(() => {
  const value = (row, column) => row.cells[column].dataset.value;

  const order = (kind, column, sign) => (first, second) => {
    let [a, b] = [value(first, column), value(second, column)];
    if (kind === "number") {
      [a, b] = [Number(a), Number(b)];
      // What has no number comes last either way.
      if (a >= 1e99 || b >= 1e99) return a - b;
    }
    return sign * (a < b ? -1 : a > b ? 1 : 0);
  };

  const sortable = (table, status) => {
    const heads = Array.from(table.tHead.rows[0].cells);
    const body = table.tBodies[0];
    // Equal rows keep the order of the ranking.
    const ranked = Array.from(body.rows);
    heads.forEach((head, column) => {
      const name = head.textContent.trim();
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = name;
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const now = head.getAttribute("aria-sort");
        const turned = now === "ascending" ? "descending" : "ascending";
        const direction = now ? turned : head.dataset.first;
        for (const other of heads) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", direction);
        table.dataset.order = direction === "ascending" ? name : "";
        const sign = direction === "ascending" ? 1 : -1;
        body.append(...ranked.slice().sort(order(head.dataset.kind, column, sign)));
        status.textContent = `Sorted by ${name}, ${direction}.`;
      });
    });
  };

  const filterable = (box, rows, status) => {
    const input = box.querySelector("input");
    box.hidden = false;
    const show = () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const row of rows) {
        row.hidden = !words.every((word) => row.dataset.search.includes(word));
        shown += row.hidden ? 0 : 1;
      }
      status.textContent = `${shown} of ${rows.length} entries shown.`;
    };
    input.addEventListener("input", show);
    // Browsers may put back what was typed before the page was left.
    if (input.value) show();
  };

  // Lights the curve of the entry in the key that is pointed at or focused.
  const lighting = (pair) => {
    const figure = pair.querySelector("svg.curves");
    const curves = Array.from(figure.querySelectorAll(".curve"));
    const light = (name) => {
      figure.classList.toggle("dimmed", name !== null);
      for (const curve of curves) curve.classList.toggle("lit", curve.dataset.entry === name);
    };
    const named = (event) => event.target.closest("[data-entry]")?.dataset.entry ?? null;
    for (const kind of ["pointerover", "focusin"]) {
      pair.addEventListener(kind, (event) => light(named(event)));
    }
    for (const kind of ["pointerleave", "focusout"]) {
      pair.addEventListener(kind, () => light(null));
    }
  };

  document.documentElement.classList.add("js");
  for (const suite of document.querySelectorAll("section.suite")) {
    const table = suite.querySelector("table.ranking");
    if (!table) continue;
    const box = suite.querySelector(".filter");
    const status = box.querySelector(".status");
    sortable(table, status);
    filterable(box, Array.from(table.tBodies[0].rows), status);
  }
  for (const pair of document.querySelectorAll(".pair")) lighting(pair);
})();
