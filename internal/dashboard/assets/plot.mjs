// A plot in its panel: uPlot with the page's colours, its shared time axis and cursor, and values to read without a pointer.

import uPlot from './uplot/uPlot.esm.js'
import { clock } from './format.mjs'

const sync = uPlot.sync('time')

// Plot draws series over time. A spec has: title, caption, wide, height, format (of values), series(history) → [{ label, colour, value }], and
// optionally log, axis (more of uPlot's options for it), empty (said when there is no series), range, data, note, and paint (what is under the lines) with heat (its key).
export class Plot {
  constructor(spec, page) {
    this.spec = spec
    this.page = page // history, view, colours
    this.drawn = null // the labels of the series that are drawn
    this.uplot = null
    this.build()
  }

  // build makes the panel's elements.
  build() {
    const { title, caption, wide } = this.spec
    const id = title.toLowerCase().replace(/\W+/g, '-')
    this.element = element('section', { className: wide ? 'panel wide' : 'panel', id, tabIndex: 0 })
    this.element.setAttribute('aria-labelledby', `${id}-title`)
    this.canvas = element('div', { className: 'plot' })
    this.note = element('p', { className: 'note' })
    this.element.append(element('h2', { id: `${id}-title`, textContent: title }), element('p', { className: 'caption', textContent: caption }))
    if (this.spec.heat) this.element.append(heatKey())
    this.element.append(this.canvas, this.note)
    this.element.addEventListener('keydown', (event) => this.key(event))
    new ResizeObserver(() => this.uplot?.setSize(this.size())).observe(this.canvas)
  }

  size() {
    return { width: Math.max(this.canvas.clientWidth, 200), height: this.spec.height ?? 170 }
  }

  // repaint draws anew with other colours.
  repaint() {
    this.drawn = null
    this.update()
  }

  // update draws what the page knows now.
  update() {
    const series = this.spec.series(this.page)
    const labels = series.map((s) => s.label).join('\n')
    if (labels !== this.drawn || !this.uplot) {
      this.uplot?.destroy()
      this.uplot = new uPlot(this.options(series), [[]], this.canvas)
      this.drawn = labels
    }
    const data = this.spec.data?.(this.page) ?? [this.page.history.times(), ...series.map((s) => this.page.history.column(s.value))]
    this.uplot.setData(data)
    this.read(series.length === 0)
  }

  // read shows the values that the cursor points at, the newest if it points at none.
  read(nothing) {
    const u = this.uplot
    if (!(u.cursor.left >= 0) && u.data[0].length > 0) u.setLegend({ idx: u.data[0].length - 1 })
    const note = (nothing && this.spec.empty) || this.spec.note?.(this.page, u) || ''
    if (this.note.textContent !== note) this.note.textContent = note
  }

  options(series) {
    const { page, spec } = this
    const { colours } = page
    const axis = { stroke: colours.muted, font: '11px system-ui, sans-serif', grid: { stroke: colours.grid, width: 1 }, ticks: { show: false } }
    return {
      ...this.size(), padding: [10, 26, 0, 0], series: [{ label: 'time', value: (_, t) => (t ? clock(t) : '') }, ...series.map((s, i) => this.line(s, i, series.length))],
      scales: {
        x: { time: true, range: () => [page.view.from, page.view.to] },
        y: { distr: spec.log ? 3 : 1, range: (_, min, max) => spec.range?.(min, max, page) ?? upwards(max) },
      },
      axes: [
        { ...axis, space: 70, values: (_, ticks) => ticks.map(clock), size: 28 },
        { ...axis, size: 66, values: (_, ticks) => ticks.map((v) => (v === null ? '' : spec.format(v))), space: 32, ...spec.axis },
      ],
      cursor: { sync: { key: sync.key, scales: ['x', null] }, drag: { x: false, y: false }, points: { size: 6 } },
      legend: { markers: { width: 2 } },
      hooks: {
        drawClear: [(u) => this.gaps(u)],
        drawAxes: [(u) => spec.paint?.(u, page)], // over the grid, under the lines
        setCursor: [() => this.uplot && this.read(series.length === 0)],
      },
    }
  }

  line(s, i, all) {
    const { colours } = this.page
    const stroke = s.colour ?? colours.line[i % colours.line.length]
    return {
      label: s.label, stroke, width: s.width ?? 1.5, dash: s.dash, fill: all === 1 && !this.spec.log ? `${stroke}22` : undefined,
      points: { show: false }, value: (_, v) => (s.format ?? this.spec.format)(v),
    }
  }

  // gaps marks the times that nothing is known of.
  gaps(u) {
    const { history, view, colours } = this.page
    const unknown = history.gaps()
    const newest = history.newest()
    if (newest && view.to - newest.t > 5) unknown.push([newest.t + 1, view.to])
    u.ctx.save()
    u.ctx.fillStyle = colours.gap
    for (const [from, to] of unknown) {
      const left = Math.max(u.valToPos(from, 'x', true), u.bbox.left)
      const right = Math.min(u.valToPos(to, 'x', true), u.bbox.left + u.bbox.width)
      if (right > left) u.ctx.fillRect(left, u.bbox.top, right - left, u.bbox.height)
    }
    u.ctx.restore()
  }

  // key moves the cursor of all plots by a sample, ten with Shift, or to either end; it then stays at that time until Escape, or a pointer.
  key(event) {
    const times = this.uplot.data[0]
    const first = times.findIndex((t) => t >= this.page.view.from)
    const last = times.length - 1
    if (event.key === 'Escape') {
      this.page.pinned = null
      this.uplot.setCursor({ left: -10, top: -10 }, true, true)
      return
    }
    const from = this.uplot.cursor.left >= 0 ? this.uplot.cursor.idx : last
    const step = event.shiftKey ? 10 : 1
    const to = { ArrowLeft: from - step, ArrowRight: from + step, Home: first, End: last }[event.key]
    if (to === undefined || first < 0) return
    event.preventDefault()
    this.page.pinned = times[Math.min(Math.max(to, first), last)]
    this.point(this.page.pinned)
  }

  // point puts the cursor of all plots at a time.
  point(t) {
    this.uplot.setCursor({ left: Math.max(this.uplot.valToPos(t, 'x'), 0), top: this.uplot.over.clientHeight / 2 }, true, true)
  }
}

// heatKey says what the colours of a heat map mean.
function heatKey() {
  const key = element('p', { className: 'key', textContent: 'few ' })
  for (let i = 0; i < 5; i++) key.append(element('i', { className: `heat-${i}` }))
  key.append(' many deliveries')
  return key
}

// upwards is a range from 0 with some air above.
function upwards(max) {
  return max > 0 ? uPlot.rangeNum(0, max, { min: { pad: 0, soft: 0, mode: 1 }, max: { pad: 0.1, mode: 0 } }) : [0, 1]
}

// element makes an element with properties. Text goes in as text: no data becomes markup.
export function element(name, properties = {}) {
  return Object.assign(document.createElement(name), properties)
}
