"""How a report's page looks: on a desk, on a telephone, and on paper."""

STYLE = """
:root { --ink: #1f2933; --muted: #52606d; --faint: #cbd2d9; --accent: #0f766e; --wash: #f5f7fa; }
* { box-sizing: border-box; }
html { scroll-behavior: smooth; }
body { font: 16px/1.55 Helvetica, Arial, sans-serif; color: var(--ink); background: white;
       margin: 0 auto; max-width: 74rem; padding: 1.5rem 1.25rem 4rem; }
header { border-bottom: 3px solid var(--accent); margin-bottom: 1.5rem; }
h1 { font-size: 1.65rem; line-height: 1.25; margin: .25rem 0; max-width: 52rem; }
h2 { font-size: 1.25rem; margin: 2.75rem 0 .75rem; padding-top: .5rem; }
h2 .count { color: var(--accent); font-weight: 400; margin-right: .35rem; }
h3 { font-size: 1.02rem; margin: 1.75rem 0 .4rem; }
p { max-width: 46rem; margin: .6rem 0; } p.about { color: var(--muted); }
.skip { position: absolute; left: -99rem; } .skip:focus { left: 1rem; background: white; }
a { color: var(--accent); } a:focus-visible, :focus-visible { outline: 2px solid var(--accent); }
nav ol { columns: 2; max-width: 46rem; padding-left: 1.4rem; font-size: .93rem; }
table { border-collapse: collapse; font-size: .88rem; line-height: 1.4; }
caption { text-align: left; color: var(--muted); padding: .4rem 0; }
th { text-align: left; font-weight: 600; border-bottom: 2px solid var(--faint); }
th, td { padding: .3rem .9rem .3rem 0; vertical-align: top; }
td { border-bottom: 1px solid #e4e7eb; } .number { text-align: right; white-space: nowrap; }
tr.dim td { color: #616e7c; }
.scroll { overflow-x: auto; max-width: 100%; margin: .75rem 0; }
figure { margin: 1.5rem 0; } figure svg { max-width: 100%; height: auto; display: block; }
figcaption { color: var(--muted); font-size: .86rem; max-width: 46rem; }
pre { background: var(--wash); padding: .8rem 1rem; overflow: auto; font-size: .8rem;
      line-height: 1.45; max-height: 32rem; }
data.simulated { white-space: nowrap; }
fieldset { border: 1px solid var(--faint); border-radius: 4px; padding: .75rem 1rem;
           display: grid; grid-template-columns: repeat(auto-fit, minmax(13rem, 1fr)); gap: .9rem; }
fieldset label { display: flex; flex-direction: column; justify-content: flex-end;
                 font-size: .88rem; }
fieldset label[hidden] { display: none; } fieldset output { font-weight: 600; }
fieldset select, fieldset input { width: 100%; font: inherit; margin-top: .2rem; }
.answer { font-size: 1.02rem; border-left: 4px solid var(--accent); padding-left: .8rem; }
#explorer-chart { width: 100%; overflow-x: auto; min-height: 300px; }
@media (max-width: 600px) {
  body { padding: 1rem .8rem 3rem; font-size: 15px; } nav ol { columns: 1; }
  h1 { font-size: 1.3rem; } h2 { font-size: 1.12rem; }
  td:not(.number) { min-width: 6rem; } td:last-child:not(.number) { min-width: 14rem; }
  th.number { white-space: normal; }
}
@media print {
  @page { size: A4; margin: 16mm 14mm; }
  body { font-size: 10pt; max-width: none; padding: 0; } nav, .skip, fieldset { display: none; }
  h2, h3, caption { break-after: avoid; } figure, tr, .scroll { break-inside: avoid; }
  #explorer-chart svg { max-width: 100%; height: auto; }
  table { font-size: 8pt; } pre { max-height: none; white-space: pre-wrap; font-size: 7.5pt; }
  .scroll { overflow: visible; } a { color: inherit; text-decoration: none; }
  th, td { padding-right: .5rem; } .number { white-space: normal; }
}
"""
