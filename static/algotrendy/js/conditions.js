/* The editor of a strategy made of conditions. The form's own text of JSON is what is sent; this keeps it up to date. */
(function () {
  "use strict";
  const GROUPS = [
    ["entry_long", "Enter long when"],
    ["exit_long", "Leave a long when"],
    ["entry_short", "Enter short when"],
    ["exit_short", "Leave a short when"],
  ];
  const FIGURES = [
    ["stop_percent", "Stop loss, %", 0, 99],
    ["target_percent", "Take profit, %", 0, 1000],
    ["confidence", "Confidence", 0, 1],
  ];
  const DEFAULTS = { stop_percent: 3, target_percent: 6, confidence: 0.6 };
  const UPPER = ["between", "outside"];
  const MOST = 8;

  function make(tag, className, text) {
    const element = document.createElement(tag);
    if (className) element.className = className;
    if (text !== undefined) element.textContent = text;
    return element;
  }

  function words(name) {
    return name.replace(/_/g, " ");
  }

  class Editor {
    constructor(root) {
      this.root = root;
      this.text = root.querySelector("textarea");
      this.known = JSON.parse(root.querySelector("script").textContent);
      this.byName = new Map(this.known.indicators.map((each) => [each.name, each]));
      this.value = this.parse();
      this.body = make("div", "conditions-body");
      root.append(this.body);
      this.draw();
    }

    parse() {
      try {
        return JSON.parse(this.text.value) || {};
      } catch {
        return {};
      }
    }

    save() {
      this.text.value = JSON.stringify(this.value);
    }

    draw() {
      this.save();
      this.body.replaceChildren(...GROUPS.map(([name, title]) => this.group(name, title)), this.figures());
      this.showFault();
    }

    /* The server names the place of a fault: entry_long.conditions[1].right: … */
    showFault() {
      const row = this.root.closest(".field-row, .form-row, div[class*='field-']") || this.root.parentElement;
      const found = /(entry|exit)_(long|short)\.conditions\[(\d+)\]/.exec(row ? row.textContent : "");
      if (!found) return;
      const wrong = this.body.querySelectorAll(`[data-group="${found[1]}_${found[2]}"] .condition`)[Number(found[3])];
      if (wrong) wrong.classList.add("is-wrong");
    }

    group(name, title) {
      const value = (this.value[name] ??= { join: "all", conditions: [] });
      const box = make("fieldset", "condition-group");
      box.dataset.group = name;
      const head = make("div", "condition-head");
      head.append(make("legend", "", title));
      if (value.conditions.length > 1) {
        head.append(this.select([["all", "all hold"], ["any", "any holds"]], value.join, "Joined by", (chosen) => (value.join = chosen)));
      }
      box.append(head, ...value.conditions.map((each, index) => this.condition(value.conditions, each, index)));
      if (!value.conditions.length) box.append(make("p", "condition-none", "Never."));
      if (value.conditions.length < MOST) {
        const add = this.button("add", "Add a condition", () => {
          value.conditions.push({ left: "close", is: "above", right: { indicator: "sma", parameters: { timeperiod: 50 } } });
          this.draw();
        });
        add.append("Add a condition");
        add.classList.add("condition-add");
        box.append(add);
      }
      return box;
    }

    condition(list, value, index) {
      const row = make("div", "condition");
      row.append(
        this.operand(value.left, "Left side", (operand) => (value.left = operand)),
        this.select(this.known.comparisons.map((each) => [each, words(each)]), value.is, "Comparison", (chosen) => {
          value.is = chosen;
          if (UPPER.includes(chosen)) value.upper ??= 100;
          else delete value.upper;
          this.draw();
        }),
        this.operand(value.right, "Right side", (operand) => (value.right = operand)),
      );
      if (value.upper !== undefined) row.append(make("span", "", "and"), this.operand(value.upper, "Upper end", (operand) => (value.upper = operand)));
      row.append(
        this.button("close", "Remove this condition", () => {
          list.splice(index, 1);
          this.draw();
        }),
      );
      return row;
    }

    operand(value, label, put) {
      const box = make("span", "operand");
      const kind = typeof value === "number" ? "number" : typeof value === "string" ? value : value.indicator;
      const groups = new Map([["", [["number", "a number"], ...this.known.columns.map((each) => [each, each])]]]);
      for (const each of this.known.indicators) {
        if (!groups.has(each.group)) groups.set(each.group, []);
        groups.get(each.group).push([each.name, `${each.name.toUpperCase()} \u2013 ${each.title}`]);
      }
      box.append(
        this.select(groups, kind, label, (chosen) => {
          put(this.fresh(chosen));
          this.draw();
        }),
      );
      if (kind === "number") box.append(this.number(value, `${label}: number`, {}, (typed) => put(typed)));
      else if (typeof value === "object") box.append(...this.details(value, label));
      return box;
    }

    fresh(kind) {
      if (kind === "number") return 0;
      if (this.known.columns.includes(kind)) return kind;
      const parameters = Object.fromEntries(this.byName.get(kind).parameters.map((each) => [each.name, each.default]));
      return { indicator: kind, parameters };
    }

    details(value, label) {
      const known = this.byName.get(value.indicator);
      const parts = [];
      if (known) {
        value.parameters ??= {};
        for (const each of known.parameters) {
          const field = this.number(value.parameters[each.name] ?? each.default, `${label}: ${words(each.name)}`, each, (typed) => (value.parameters[each.name] = typed));
          field.title = words(each.name);
          parts.push(field);
        }
        if (known.outputs.length > 1) {
          parts.push(this.select(known.outputs.map((each) => [each, each]), value.output ?? known.outputs[0], `${label}: output`, (chosen) => (value.output = chosen)));
        }
        if (known.of) parts.push(this.select(this.known.columns.map((each) => [each, `of ${each}`]), value.of ?? "close", `${label}: of`, (chosen) => (value.of = chosen)));
      }
      const ago = this.number(value.ago ?? 0, `${label}: candles ago`, { whole: true, minimum: 0, maximum: 100 }, (typed) => (value.ago = typed));
      ago.title = "candles ago";
      parts.push(ago, make("span", "condition-unit", "ago"));
      return parts;
    }

    figures() {
      const box = make("div", "condition-figures");
      for (const [name, title, minimum, maximum] of FIGURES) {
        const field = make("label", "", title);
        this.value[name] ??= DEFAULTS[name];
        field.append(this.number(this.value[name], title, { minimum, maximum }, (typed) => (this.value[name] = typed)));
        box.append(field);
      }
      return box;
    }

    number(value, label, { whole, minimum, maximum }, put) {
      const input = make("input", "condition-number");
      Object.assign(input, { type: "number", step: whole ? "1" : "any", value });
      if (minimum !== undefined && minimum !== null) input.min = minimum;
      if (maximum !== undefined && maximum !== null) input.max = maximum;
      input.setAttribute("aria-label", label);
      input.addEventListener("input", () => {
        put(input.value === "" ? null : Number(input.value));
        this.save();
      });
      return input;
    }

    select(options, chosen, label, put) {
      const select = make("select", "condition-select");
      select.setAttribute("aria-label", label);
      const fill = (parent, rows) => parent.append(...rows.map(([value, text]) => new Option(text, value, false, value === chosen)));
      if (Array.isArray(options)) fill(select, options);
      else {
        for (const [group, rows] of options) {
          const parent = group ? Object.assign(document.createElement("optgroup"), { label: group }) : select;
          fill(parent, rows);
          if (group) select.append(parent);
        }
      }
      select.addEventListener("change", () => {
        put(select.value);
        this.save();
      });
      return select;
    }

    button(icon, label, act) {
      const button = make("button", "condition-button");
      button.type = "button";
      button.setAttribute("aria-label", label);
      const symbol = make("span", "material-symbols-outlined", icon);
      symbol.setAttribute("aria-hidden", "true");
      button.append(symbol);
      button.addEventListener("click", act);
      return button;
    }
  }

  window.addEventListener("DOMContentLoaded", () => {
    for (const root of document.querySelectorAll("[data-conditions]")) new Editor(root);
  });
})();
