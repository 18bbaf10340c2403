// The ticks of the gateway's own event stream, as columns for a plot.

// most is how many symbols are drawn; more would not be told apart.
export const most = 6

export class Prices {
  constructor(kept) {
    this.kept = kept // seconds
    this.ticks = [] // by time
    this.text = '' // of the newest message that has no price
    this.trouble = '' // why there are none
  }

  // add takes a tick; one that was there already is a repetition.
  add(tick) {
    this.trouble = ''
    if (typeof tick.price !== 'number') {
      this.text = tick.text ?? ''
      return
    }
    this.text = ''
    const t = tick.time / 1000
    const symbol = tick.symbol || 'price'
    let at = this.ticks.length
    while (at > 0 && this.ticks[at - 1].t > t) at--
    for (let i = at - 1; i >= 0 && this.ticks[i].t === t; i--) {
      if (this.ticks[i].symbol === symbol) return
    }
    this.ticks.splice(at, 0, { t, symbol, price: tick.price })
    const oldest = this.ticks.at(-1).t - this.kept
    const keep = this.ticks.findIndex((k) => k.t >= oldest)
    if (keep > 0) this.ticks.splice(0, keep)
  }

  // fail notes why there are no ticks.
  fail(reason) {
    this.trouble = reason
  }

  symbols() {
    return [...new Set(this.ticks.map((k) => k.symbol))].sort().slice(0, most)
  }

  // columns are the times, and for each symbol its price at that time, undefined where it has none, and null where a gap begins. Gaps are
  // pairs of seconds.
  columns(symbols, gaps = []) {
    const times = []
    const prices = symbols.map(() => [])
    const row = (t, filler) => {
      times.push(t)
      for (const column of prices) column.push(filler) // uPlot draws on over undefined, and breaks a line at null
    }
    let gap = 0
    for (const k of this.ticks) {
      const column = symbols.indexOf(k.symbol)
      if (column < 0) continue
      for (; gap < gaps.length && gaps[gap][0] < k.t; gap++) {
        if (times.length > 0 && gaps[gap][0] > times.at(-1)) row(gaps[gap][0], null)
      }
      if (times.at(-1) !== k.t) row(k.t, undefined)
      prices[column][times.length - 1] = k.price
    }
    return [times, ...prices]
  }
}
