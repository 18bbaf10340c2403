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

  newest() {
    return this.ticks.at(-1) ?? null
  }

  // columns are the times, and for each symbol its price at that time, undefined where it has none.
  columns(symbols) {
    const times = []
    const prices = symbols.map(() => [])
    for (const k of this.ticks) {
      const column = symbols.indexOf(k.symbol)
      if (column < 0) continue
      if (times.at(-1) !== k.t) {
        times.push(k.t)
        prices.forEach((p) => p.push(undefined)) // undefined is no gap for uPlot, null is
      }
      prices[column][times.length - 1] = k.price
    }
    return [times, ...prices]
  }
}
