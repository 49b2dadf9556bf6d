"""What runs in the page: read the trials, decide them by the rule chosen, draw the shares."""

SCRIPT = r"""
const data = JSON.parse(document.getElementById("explorer-data").textContent);
const raw = Uint8Array.from(atob(data.trials), c => c.charCodeAt(0));
const trials = new Int16Array(raw.buffer);
const STEPS = 32000, FAILED = -32768, Z_LIMIT = 8, BAND = 1.96;
const controls = document.getElementById("explorer-controls");
const TRUTHS = { target: "the hoped-for effect", null: "no effect",
                 prior: "drawn from the mixture prior",
                 sceptical: "drawn from its sceptical part" };

// Inverse of the normal distribution function (Acklam; relative error below 1.2e-9).
function quantile(p) {
  const a = [-39.69683028665376, 220.9460984245205, -275.9285104469687, 138.357751867269,
             -30.66479806614716, 2.506628277459239];
  const b = [-54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972,
             -13.28068155288572];
  const c = [-0.007784894002430293, -0.3223964580411365, -2.400758277161838,
             -2.549732539343734, 4.374664141464968, 2.938163982698783];
  const d = [0.007784695709041462, 0.3224671290700398, 2.445134137142996, 3.754408661907416];
  if (p > 0.5) return -quantile(1 - p);
  if (p < 0.02425) {
    const q = Math.sqrt(-2 * Math.log(p));
    return (((((c[0]*q+c[1])*q+c[2])*q+c[3])*q+c[4])*q+c[5]) /
           ((((d[0]*q+d[1])*q+d[2])*q+d[3])*q+1);
  }
  const q = p - 0.5, r = q * q;
  return (((((a[0]*r+a[1])*r+a[2])*r+a[3])*r+a[4])*r+a[5])*q /
         (((((b[0]*r+b[1])*r+b[2])*r+b[3])*r+b[4])*r+1);
}

function labelled(text, field) {
  const label = document.createElement("label");
  label.append(text, field);
  controls.append(label);
  return field;
}
function choice(id, text, options, chosen) {
  const field = document.createElement("select");
  field.id = id;
  for (const [value, shown] of options) field.append(new Option(shown, value));
  field.value = String(chosen);
  field.addEventListener("change", draw);
  return labelled(text, field);
}
function entry(id, text, value, step, min, max) {
  const field = document.createElement("input");
  Object.assign(field, { id, type: "number", step, value });
  if (min !== undefined) field.min = min;
  if (max !== undefined) field.max = max;
  field.addEventListener("input", draw);
  return labelled(text, field);
}
const distinct = values => [...new Set(values)];
const sorted = values => values.every(v => typeof v === "number") ?
  values.sort((a, b) => a - b) : values;
const sizes = sorted(distinct(data.cells.map(c => c.at.patients ?? data.place.patients ?? 0)));
const axes = Object.keys(data.place).filter(a => a !== "patients" &&
  distinct(data.cells.map(c => c.at[a])).length > 1);
const truths = distinct(data.cells.map(c => c.truth));
const whole = data.analyses.length > 1 ? [["all", "all of them (co-primary)"]] : [];

choice("x-endpoint", "Endpoint", [...data.analyses.map((a, i) => [String(i), a.label]), ...whole],
       data.analyses.length > 1 ? "all" : "0");
choice("x-truth", "What is true", truths.map(t => [t, TRUTHS[t] ?? t]), truths[0]);
for (const axis of axes) {
  const values = sorted(distinct(data.cells.map(c => c.at[axis])));
  const shown = v => axis === "effect" ? `times ${v}` : String(v);
  choice("x-axis-" + axis, axis[0].toUpperCase() + axis.slice(1),
         values.map(v => [String(v), shown(v)]), data.place[axis]);
}
choice("x-patients", "Patients", sizes.map(n => [String(n), String(n)]), data.place.patients);
entry("x-alpha", "One-sided alpha", data.alpha, 0.005, 0.0005, 0.4995);
data.analyses.forEach((a, i) => {
  if (!a.thresholds) return;
  entry("x-lrv-" + i, `${a.label}: lower reference value, benefit in ${a.unit}`, 0, 0.01);
  entry("x-tv-" + i, `${a.label}: target value, benefit in ${a.unit}`, 0, 0.01);
});
const value = id => document.getElementById(id)?.value;
const number = (id, otherwise) => {
  const found = parseFloat(value(id));
  return Number.isFinite(found) ? found : otherwise;
};

// 2 go, 1 consider, 0 stop, -1 failed: P(effect > LRV) >= 1 - alpha, and estimate beyond TV.
function decide(cell, a, t, z_alpha, lrv, tv) {
  const k = data.analyses.length, n = cell.trials, at = q => cell.begin + (q * k + a) * n + t;
  const z0 = trials[at(0)];
  if (z0 === FAILED) return -1;
  const z = z0 / STEPS * Z_LIMIT;
  if (!data.analyses[a].thresholds) return z >= z_alpha ? 2 : 0;
  const effect = data.analyses[a].sign * trials[at(1)] / STEPS * cell.effect[a];
  const se = trials[at(2)] / STEPS * cell.se[a];
  const beyond = lrv === 0 ? z >= z_alpha : (effect - lrv) / se >= z_alpha;
  const enough = effect >= tv || tv === 0;
  return beyond && enough ? 2 : beyond || (enough && tv !== 0) ? 1 : 0;
}

function shares(cell, chosen, z_alpha) {
  const counts = [0, 0, 0]; let failed = 0;
  const limits = data.analyses.map((_, i) => [number("x-lrv-" + i, 0), number("x-tv-" + i, 0)]);
  for (let t = 0; t < cell.trials; t++) {
    const found = chosen.map(a => decide(cell, a, t, z_alpha, ...limits[a]));
    const worst = Math.min(...found.map(v => v === -1 ? 3 : v));
    if (worst !== 0 && found.includes(-1)) failed++;
    else counts[worst]++;
  }
  return { counts, used: cell.trials, failed };  // a failed trial is no go
}

let view = null;
function draw() {
  const alpha = Math.min(Math.max(number("x-alpha", data.alpha), 1e-6), 0.4999);
  const z_alpha = quantile(1 - alpha);
  const endpoint = value("x-endpoint");
  const chosen = endpoint === "all" ? data.analyses.map((_, i) => i) : [Number(endpoint)];
  data.analyses.forEach((_, i) => ["x-lrv-", "x-tv-"].forEach(id => {
    const field = document.getElementById(id + i);
    if (field) field.parentElement.hidden = !chosen.includes(i);
  }));
  const best = new Map();
  for (const cell of data.cells) {
    if (cell.truth !== value("x-truth")) continue;
    if (!axes.every(axis => String(cell.at[axis]) === value("x-axis-" + axis))) continue;
    const n = cell.at.patients ?? data.place.patients ?? 0;
    if (!best.has(n) || best.get(n).trials < cell.trials) best.set(n, cell);
  }
  const points = [], patients = Number(value("x-patients"));
  let answer = "No trial of this kind is stored. For effects other than the planned one, or other"
    + " dropout, only the hoped-for effect was simulated.";
  for (const [n, cell] of [...best].sort((a, b) => a[0] - b[0])) {
    const { counts, used, failed } = shares(cell, chosen, z_alpha);
    if (!used) continue;
    const said = [];
    [["go", 2], ["consider", 1], ["stop", 0]].forEach(([decision, code]) => {
      const share = counts[code] / used, se = Math.sqrt(share * (1 - share) / used);
      const low = Math.max(share - BAND * se, 0), high = Math.min(share + BAND * se, 1);
      if (decision !== "consider" || counts[1]) {
        points.push({ patients: n, decision, share, low, high });
        said.push(`${decision} ${share.toFixed(3)} ± ${se.toFixed(3)}`);
      }
    });
    if (n === patients) answer = `With ${n} patients: ${said.join(", ")}. ${used} trials`
      + (failed ? `, ${failed} failed.` : ", none failed.");
  }
  document.getElementById("explorer-answer").textContent = answer;
  const now = { points, chosen: [{ patients }] };
  if (view) view.data("points", now.points).data("chosen", now.chosen).run();
  else data.spec.datasets = now;
}
document.getElementById("explorer-note").textContent =
  "Go: the chance that the effect exceeds the lower reference value is at least 1 - alpha, and the"
  + " estimate reaches the target value. Consider: one of the two. Stop: neither. With both at 0,"
  + " go is significance by the analysis's own test; another lower reference value is judged by the"
  + " normal distribution. Band: 95 % Monte Carlo interval of the stored trials, not uncertainty"
  + " about the treatment.";
draw();
const made = await window.vegaEmbed("#explorer-chart", data.spec,
                                    { actions: false, renderer: "svg" });
view = made.view;
"""
