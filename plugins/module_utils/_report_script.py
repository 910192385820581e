# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""The script of the readiness page. Pure.

Values get into the page as text nodes and through no other way, so that none of them can become markup.
"""

from __future__ import annotations

SCRIPT = r"""
"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const data = JSON.parse($("data").textContent);
  // Controls that do nothing without this script are hidden until here.
  for (const control of document.querySelectorAll("[data-script]")) control.hidden = false;

  const say = (text) => { $("said").textContent = text; };
  const copy = async (button) => {
    const code = button.parentElement.querySelector("code");
    try {
      await navigator.clipboard.writeText(code.textContent);
    } catch {
      // A page that came over plain http may not write to the clipboard; the selection still can be copied.
      getSelection().selectAllChildren(code);
      document.execCommand("copy");
    }
    button.textContent = "Copied";
    say("Copied");
    setTimeout(() => { button.textContent = "Copy"; say(""); }, 2000);
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button && "copy" in button.dataset) copy(button);
  });

  // Light and dark: what the system prefers, until the button says otherwise. A browser may refuse to remember it.
  const dark = () => (document.documentElement.dataset.theme
    || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const name = () => { $("theme").textContent = dark() ? "Light mode" : "Dark mode"; };
  try {
    const kept = localStorage.getItem("theme");
    if (kept === "light" || kept === "dark") document.documentElement.dataset.theme = kept;
  } catch { /* not kept */ }
  $("theme").addEventListener("click", () => {
    const theme = dark() ? "light" : "dark";
    document.documentElement.dataset.theme = theme;
    try { localStorage.setItem("theme", theme); } catch { /* not kept */ }
    name();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", name);
  name();

  // The table, if there is an instance.
  if (!$("filters")) return;
  const PAGE = 100;
  const rows = data.rows.map((values, place) => {
    const row = Object.fromEntries(data.fields.map((field, i) => [field, values[i]]));
    row.reasons = row.reasons.map(([code, severity, ...texts]) => {
      const [message, before, command, after] = texts.map((text) => data.texts[text]);
      return { code, severity, message, before, command, after };
    });
    row.place = place;
    return row;
  });

  const node = (name, attributes, ...children) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) made.setAttribute(key, value);
    made.append(...children.filter((child) => child !== null));
    return made;
  };
  const icon = (name) => {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
    use.setAttribute("href", "#i-" + name);
    svg.setAttribute("class", "icon");
    svg.setAttribute("aria-hidden", "true");
    svg.append(use);
    return svg;
  };

  // What is shown.
  const shown = { sort: "verdict", down: false, page: 0, found: rows };
  const worst = (row) => Math.max(0, ...row.reasons.map((reason) => data.severities.indexOf(reason.severity) + 1));
  const version = (text) => text.split(".").map((part) => part.padStart(8, "0")).join(".");
  // Rows come in the order of their verdict, so that equal ones stay in it.
  const keys = {
    name: (row) => (row.name || "\uffff").toLowerCase() + row.instance_id,
    region: (row) => row.region,
    verdict: (row) => row.place,
    way: (row) => data.ways[row.way] || "\uffff",
    agent: (row) => (row.agent_version ? version(row.agent_version) : "\uffff"),
    reasons: (row) => -(worst(row) * 1000 + row.reasons.length),
  };

  const search = () => {
    const words = $("f-text").value.toLowerCase().split(/\s+/).filter(Boolean);
    const [verdict, region, reason, severity] =
      ["f-verdict", "f-region", "f-reason", "f-severity"].map((id) => $(id).value);
    const key = keys[shown.sort];
    shown.found = rows.filter((row) => {
      if (verdict && row.verdict !== verdict) return false;
      if (region && row.region !== region) return false;
      if (reason && !row.reasons.some((one) => one.code === reason)) return false;
      if (severity === "none" && row.reasons.length) return false;
      if (severity && severity !== "none" && !row.reasons.some((one) => one.severity === severity)) return false;
      if (!words.length) return true;
      row.text = row.text || [...data.fields.map((field) => row[field]).filter((value) => typeof value === "string"),
        data.verdicts[row.verdict], data.ways[row.way] || "",
        ...row.reasons.map((one) => `${one.code} ${data.titles[one.code] || ""} ${one.message}`),
      ].join(" ").toLowerCase();
      return words.every((word) => row.text.includes(word));
    });
    const found = shown.found.map((row) => [key(row), row]);
    found.sort(([a, one], [b, two]) => (a < b ? -1 : a > b ? 1 : one.place - two.place));
    shown.found = found.map(([, row]) => row);
    if (shown.down) shown.found.reverse();
    shown.page = 0;
    draw();
  };

  const fix = (command) => {
    const button = node("button", { type: "button", "data-copy": "" }, "Copy");
    // A line break after the dash of an option would make two words of it.
    const words = command.split(/(?<= )(-\w)(?= )/);
    const code = node("code", {}, ...words.map((text, i) => (i % 2 ? node("span", { class: "whole" }, text) : text)));
    return node("div", { class: "fix" }, code, button);
  };

  const details = (row) => {
    const made = node("details", { class: "more" },
      node("summary", {}, "Details", node("span", { class: "hidden" }, ` of ${row.name || row.instance_id}`)));
    made.addEventListener("toggle", () => {
      if (made.children.length > 1) return;
      for (const one of row.reasons) {
        made.append(node("p", { class: "say" }, one.message));
        if (one.before) made.append(node("p", { class: "say" }, one.before));
        if (one.command) made.append(fix(one.command));
        if (one.after) made.append(node("p", { class: "say" }, one.after));
      }
      const facts = node("dl", {});
      for (const [label, field] of data.facts) {
        if (row[field]) facts.append(node("dt", {}, label), node("dd", {}, node("bdi", {}, row[field])));
      }
      made.append(facts);
    }, { once: true });
    return made;
  };

  const line = (row) => {
    const cell = (label, ...children) => node("td", { role: "cell", "data-label": label }, ...children);
    const why = node("ul", { class: "why" }, ...row.reasons.map((one) => node("li", { class: one.severity },
      icon(one.severity), " ", node("span", { class: "hidden" }, `${one.severity}: `),
      data.titles[one.code] || one.code)));
    return node("tr", { role: "row" },
      node("th", { scope: "row", role: "rowheader" },
        row.name ? node("bdi", { class: "name" }, row.name) : null, node("code", { class: "id" }, row.instance_id)),
      cell("Region", node("span", { class: "whole" }, row.region)),
      cell("Verdict", node("span", { class: `chip ${row.verdict}` }, icon(row.verdict),
        data.verdicts[row.verdict] || row.verdict)),
      cell("Managed by", node("span", { class: "whole" }, data.ways[row.way] || "\u2013")),
      cell("Agent", node("span", { class: "num" }, row.agent_version || "\u2013")),
      cell("Reasons", node("div", {}, row.reasons.length ? why : null, details(row))));
  };

  const draw = () => {
    const from = shown.page * PAGE;
    const part = shown.found.slice(from, from + PAGE);
    $("rows").replaceChildren(...part.map(line));
    const count = (many) => many.toLocaleString("en");
    $("found").textContent = `${count(shown.found.length)} of ${count(rows.length)} instances`
      + (shown.found.length > PAGE ? `, ${count(from + 1)} to ${count(from + part.length)} shown` : "");
    $("nothing").hidden = shown.found.length > 0;
    $("table").hidden = shown.found.length === 0;
    $("pages").hidden = shown.found.length <= PAGE;
    $("back").disabled = shown.page === 0;
    $("on").disabled = from + PAGE >= shown.found.length;
    $("page").textContent = `Page ${shown.page + 1} of ${Math.max(1, Math.ceil(shown.found.length / PAGE))}`;
    for (const head of document.querySelectorAll("#table th[data-key]")) {
      if (head.dataset.key === shown.sort) head.setAttribute("aria-sort", shown.down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    }
    $("f-sort").value = shown.sort;
  };

  // The instances with this value alone.
  const only = (field, value) => {
    $("filters").reset();
    $("f-" + field).value = value;
    search();
    $("instances").scrollIntoView();
    $("f-" + field).focus({ preventScroll: true });
  };

  for (const pick of document.querySelectorAll("[data-pick]")) {
    const hint = node("span", { class: "hidden" }, "Show instances: ");
    pick.replaceChildren(node("button", { type: "button", class: "pick" }, hint, ...pick.childNodes));
  }

  const turn = (by) => {
    shown.page += by;
    draw();
    $("table").focus({ preventScroll: true });
    $("instances").scrollIntoView();
  };

  $("filters").addEventListener("input", (event) => {
    if (event.target.id === "f-sort") Object.assign(shown, { sort: event.target.value, down: false });
    search();
  });
  $("filters").addEventListener("submit", (event) => event.preventDefault());
  $("filters").addEventListener("reset", () => setTimeout(search));
  $("clear").addEventListener("click", () => { $("filters").reset(); $("f-text").focus(); });
  $("back").addEventListener("click", () => turn(-1));
  $("on").addEventListener("click", () => turn(1));
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.reason) only("reason", button.dataset.reason);
    const picked = button.closest("[data-pick]");
    if (picked) only(picked.dataset.pick, picked.dataset.value);
    const head = button.closest("th[data-key]");
    if (head) {
      shown.down = shown.sort === head.dataset.key && !shown.down;
      shown.sort = head.dataset.key;
      search();
    }
  });

  search();
})();
"""
