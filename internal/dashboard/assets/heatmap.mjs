// The heat map of latencies: a cell for each sample and bin, darker or brighter the more deliveries a second fell into it, on a logarithmic scale; over it
// the quantiles as lines.

import { binOf, bounds } from './latency.mjs'
import { clock, seconds, whole } from './format.mjs'
import { shade } from './theme.mjs'

// visible are the points in view that have deliveries.
function visible({ history, view }) {
  return history.points.filter((p) => p.t >= view.from && p.latency?.length > 0)
}

// extent is the range of the latency axis: all bins in view.
export function extent(page) {
  const scale = page.history.scale.latency
  let [low, high] = [Infinity, 0]
  for (const p of visible(page)) {
    low = Math.min(low, bounds(p.latency.findIndex((n) => n > 0), scale)[0])
    high = Math.max(high, bounds(p.latency.length - 1, scale)[1])
  }
  if (high === 0) return [0.001, 1]
  if (high < low * 10) high = low * 10 // a decade at least, or noise would fill the plot
  return [low / 1.2, high * 1.2]
}

// paint draws the cells.
export function paint(u, page) {
  const points = visible(page)
  const scale = page.history.scale.latency
  const most = Math.max(1, ...points.map((p) => Math.max(...p.latency.filter((n) => n > 0)) / p.span))
  u.ctx.save()
  u.ctx.beginPath()
  u.ctx.rect(u.bbox.left, u.bbox.top, u.bbox.width, u.bbox.height)
  u.ctx.clip()
  for (const p of points) {
    const left = Math.floor(u.valToPos(p.t - p.span, 'x', true))
    const width = Math.max(Math.ceil(u.valToPos(p.t, 'x', true)) - left, 1)
    p.latency.forEach((n, bin) => {
      if (!(n > 0)) return
      const [low, high] = bounds(bin, scale)
      const top = Math.floor(u.valToPos(high, 'y', true))
      u.ctx.fillStyle = shade(page.colours.heat, Math.log1p(n / p.span) / Math.log1p(most))
      u.ctx.fillRect(left, top, width, Math.max(Math.ceil(u.valToPos(low, 'y', true)) - top, 1))
    })
  }
  u.ctx.restore()
}

// describe says what is in the cell under the cursor; '' where there is none.
export function describe(u, page) {
  const { idx, left, top } = u.cursor
  const p = left >= 0 && idx !== null && idx !== undefined ? page.history.points[idx] : null
  if (!p?.latency?.length) return ''
  const scale = page.history.scale.latency
  const bin = binOf(u.posToVal(top, 'y'), scale)
  const [low, high] = bounds(bin, scale)
  return `${clock(p.t)}: ${whole((p.latency[bin] ?? 0) / p.span)} deliveries a second took ${seconds(low)} to ${seconds(high)}`
}
