// Charts drawn from data in the page. ECharts, only the parts that we use.
//
//   <div class="chart" data-chart="chart-data" role="img" aria-label="…"></div>
//   {{ chart|json_script:"chart-data" }}
//
// with chart = {kind: "line" | "bar", categories: [...], unit: "…",
//               series: [{name, values, low?, high?, tone?: "accent" | "quiet" | "ok"}]}
// `low` and `high` draw an interval. A null value is a gap. Put a table with the same numbers beside it.
// `samples` has the number that each category rests on, written below its name (null: not told).
//
// or, what places share, chart = {kind: "chord", nodes: [{name, tone: 0-7, say}],
//                                 links: [{source, target, value, say}]}; `say` is what a pointer reads.
import { BarChart, ChordChart, CustomChart, LineChart } from "echarts/charts";
import { GridComponent, LegendComponent, TooltipComponent } from "echarts/components";
import * as echarts from "echarts/core";
import * as langFR from "echarts/i18n/langFR-obj.js";
import { CanvasRenderer } from "echarts/renderers";

echarts.use([BarChart, ChordChart, CustomChart, LineChart, GridComponent, LegendComponent, TooltipComponent, CanvasRenderer]);
echarts.registerLocale("FR", langFR.default ?? langFR);

const language = document.documentElement.lang.startsWith("fr") ? "FR" : "EN";
const number = new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: 1 });

/** The value of a CSS token, as the browser resolved it for light or dark. */
function token(element, name) {
  const probe = document.createElement("span");
  probe.style.color = `var(--${name})`;
  element.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}

const TONES = { accent: "accent", quiet: "ink-2", ok: "ok", info: "info" };

function drawnSeries(spec, series, colour) {
  const line = spec.kind === "line";
  const quiet = series.tone === "quiet";
  return {
    name: series.name,
    type: spec.kind,
    data: series.values,
    color: colour,
    // Points keep a day between two gaps visible; many of them would only blur the line.
    showSymbol: series.values.length <= 31,
    symbol: "circle",
    symbolSize: quiet ? 3 : 5,
    smooth: 0.2,
    barMaxWidth: 28,
    itemStyle: { borderRadius: [3, 3, 0, 0] },
    lineStyle: { width: quiet ? 1.5 : 2.5, type: quiet ? "dashed" : "solid" },
    z: quiet ? 2 : 3,
    ...(line ? {} : { type: "bar" }),
  };
}

/** Two stacked lines without strokes, the upper one filled: the interval. */
function band(series, colour) {
  const common = { type: "line", stack: `band-${series.name}`, symbol: "none", silent: true,
                   lineStyle: { opacity: 0 }, tooltip: { show: false }, smooth: 0.2, z: 1,
                   stackStrategy: "all" };
  const width = series.high.map((high, i) => (high === null ? null : high - series.low[i]));
  return [
    { ...common, data: series.low },
    { ...common, data: width, areaStyle: { color: colour, opacity: 0.16 } },
  ];
}

/** A stroke on each bar: the interval. */
function strokes(series, colour) {
  return {
    type: "custom", silent: true, z: 4, tooltip: { show: false }, encode: { x: 0, y: [1, 2] },
    data: series.low.flatMap((low, i) => (low === null ? [] : [[i, low, series.high[i]]])),
    renderItem: (_params, api) => {
      const [x, y1] = api.coord([api.value(0), api.value(1)]);
      const y2 = api.coord([api.value(0), api.value(2)])[1];
      return { type: "line", shape: { x1: x, y1, x2: x, y2 }, style: { stroke: colour, lineWidth: 1.5 } };
    },
  };
}

/** What all charts of a page share: type, motion, and the box that a pointer reads. */
function frame(element) {
  return {
    animation: !matchMedia("(prefers-reduced-motion: reduce)").matches,
    textStyle: { fontFamily: getComputedStyle(element).fontFamily },
    tooltip: { renderMode: "richText", confine: true, backgroundColor: token(element, "surface"),
               borderColor: token(element, "line"), textStyle: { color: token(element, "ink") } },
  };
}

/** Names stand around the ring, as far as there is room for them. */
function chordOptions(element, spec) {
  const common = frame(element);
  const narrow = element.clientWidth < 480;
  const many = spec.nodes.length > 8;
  const ring = narrow ? [48, 54] : [60, 66]; // per cent of half the smaller side, as ECharts counts
  const outer = (Math.min(element.clientWidth, element.clientHeight) / 2) * (ring[1] / 100);
  const label = { color: token(element, "ink"), fontSize: many || narrow ? 11 : 13, lineHeight: 16,
                  width: Math.min(element.clientWidth / 2 - outer - 12, 115), // 12: gap and edge
                  overflow: many ? "truncate" : "break" };
  return {
    ...common,
    tooltip: { ...common.tooltip, trigger: "item", formatter: ({ data }) => data.say },
    series: [{
      type: "chord", radius: ring.map((share) => `${share}%`), padAngle: many ? 1.5 : 4, minAngle: 2,
      label, labelLayout: { hideOverlap: true }, lineStyle: { color: "gradient", opacity: 0.42 }, emphasis: { focus: "adjacency", lineStyle: { opacity: 0.8 } },
      data: spec.nodes.map((node) => ({ name: node.name, say: node.say,
                                        itemStyle: { color: token(element, `place-${node.tone % 8}`) } })),
      links: spec.links,
    }],
  };
}

/** Labels with the sample below each name. */
function sampled({ samples }) {
  if (!samples) return {};
  const below = (i) => (samples[i] == null ? "–" : number.format(samples[i]));
  return { lineHeight: 15, formatter: (name, i) => `${name}\n${below(i)}` };
}

function options(element, spec) {
  if (spec.kind === "chord") return chordOptions(element, spec);
  const common = frame(element);
  const ink = token(element, "ink-2");
  const rule = token(element, "line");
  const colours = spec.series.map((s) => token(element, TONES[s.tone] ?? "accent"));
  return {
    ...common,
    grid: { left: 8, right: 8, top: 36, bottom: 4, containLabel: true },
    legend: { top: 0, left: 0, icon: "roundRect", itemHeight: 4, itemWidth: 18, textStyle: { color: ink },
              data: spec.series.map((s) => s.name) },
    tooltip: { ...common.tooltip, trigger: "axis",
               valueFormatter: (v) => (v == null ? "–" : `${number.format(v)} ${spec.unit ?? ""}`) },
    xAxis: { type: "category", data: spec.categories, boundaryGap: spec.kind === "bar",
             axisLabel: { color: ink, hideOverlap: true, ...sampled(spec) }, axisLine: { lineStyle: { color: rule } },
             axisTick: { show: false } },
    yAxis: { type: "value", axisLabel: { color: ink, formatter: (v) => number.format(v) },
             splitLine: { lineStyle: { color: rule } } },
    series: spec.series.flatMap((s, i) => [
      ...(s.low && spec.kind === "line" ? band(s, colours[i]) : []),
      drawnSeries(spec, s, colours[i]),
      ...(s.low && spec.kind === "bar" ? [strokes(s, token(element, "ink"))] : []),
    ]),
  };
}

function draw(element) {
  const spec = JSON.parse(document.getElementById(element.dataset.chart).textContent);
  const chart = echarts.getInstanceByDom(element)
    ?? echarts.init(element, null, { locale: language, renderer: "canvas" });
  chart.setOption(options(element, spec), true);
  new ResizeObserver(() => chart.resize()).observe(element);
}

function drawAll(root) {
  root.querySelectorAll("[data-chart]").forEach(draw);
}

drawAll(document);
document.addEventListener("htmx:afterSettle", (event) => drawAll(event.target));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawAll(document));
