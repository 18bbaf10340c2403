// What the samples mean over time. A sample has the counters of every process since its start; a point has what happened between two
// samples, of all processes together. A process that was restarted in between, or did not answer, adds nothing to that point's rates.

import { bounds, quantile } from './latency.mjs'

// gapAfter is how many seconds without a sample are a gap: while no page is open, the gateway takes one every five seconds.
export const gapAfter = 8

export class History {
  constructor(kept) {
    this.kept = kept // seconds
    this.points = []
    this.last = null // the newest sample
    this.scale = { latency: [], fanout: [] } // upper bounds in seconds
  }

  // begin takes the stream's hello.
  begin(hello) {
    this.kept = hello.history
    this.scale = { latency: hello.latency, fanout: hello.fanout }
  }

  // add takes a sample. One that is not newer than the last is a repetition.
  add(sample) {
    if (this.last && sample.time <= this.last.time) return
    const point = toPoint(this.last, sample, this.scale)
    if (this.last && sample.time - this.last.time > gapAfter * 1000) {
      this.points.push({ t: this.last.time / 1000 + 1, gap: sample.time / 1000 })
    }
    this.points.push(point)
    this.last = sample
    const oldest = point.t - this.kept
    const keep = this.points.findIndex((p) => p.t >= oldest)
    if (keep > 0) this.points.splice(0, keep)
  }

  newest() {
    return this.points.at(-1) ?? null
  }

  // column is a value of all points, null where it is not known.
  column(value) {
    return this.points.map((p) => (p.gap ? null : (value(p) ?? null)))
  }

  times() {
    return this.points.map((p) => p.t)
  }

  // labels are the keys of a member that any point has, in the order of their appearance.
  labels(member) {
    const found = new Set()
    for (const p of this.points) for (const label of Object.keys(p[member] ?? {})) found.add(label)
    return [...found]
  }

  // gaps are the times without samples, as pairs of seconds.
  gaps() {
    return this.points.filter((p) => p.gap).map((p) => [p.t, p.gap])
  }
}

// toPoint makes a point of a sample and the one before, which may be null.
export function toPoint(before, sample, scale) {
  const old = new Map((before?.processes ?? []).map((p) => [p.worker, p.numbers]))
  const elapsed = before ? (sample.time - before.time) / 1000 : 0
  const p = emptyPoint(sample)
  p.span = elapsed
  for (const process of sample.processes) {
    const now = process.numbers
    const then = old.get(process.worker)
    const known = now && then && then.pid === now.pid && elapsed > 0
    const row = { worker: process.worker, trouble: trouble(process), clients: Boolean(now?.fanout), restarts: 0 }
    p.processes.push(row)
    if (!now) continue
    addGauges(p, row, process.worker, now)
    if (known) addRates(p, row, now, then, elapsed)
  }
  restarts(p, sample)
  finish(p, scale)
  return p
}

// trouble says what is wrong with a process, '' if nothing is.
function trouble({ error, numbers }) {
  if (!numbers) return `down: ${error ?? 'no answer'}`
  if (numbers.bus?.up === false) return 'no bus'
  const stuck = (numbers.loops ?? []).findIndex((l) => l.stuck)
  return stuck < 0 ? '' : `loop ${stuck} is stuck`
}

function emptyPoint(sample) {
  return {
    t: sample.time / 1000, processes: [], connections: {}, byProcess: {}, open: 0, capacity: null, heap: 0, live: 0, rss: 0,
    behind: 0, blocked: 0, lag: 0, unsent: 0, pause: 0, refusals: {}, closes: {}, tcp: sample.sockets?.memory, sockets: sample.sockets?.inUse,
    timeWait: sample.sockets?.timeWait, latency: [], fanouts: [], taken: 0,
  }
}

// addGauges adds what a process holds.
function addGauges(p, row, name, now) {
  row.open = 0
  for (const [kind, n] of Object.entries(now.connections ?? {})) {
    p.connections[kind] = (p.connections[kind] ?? 0) + n
    row.open += n
  }
  p.open += row.open
  if (now.fanout) p.byProcess[name] = row.open
  if (now.capacity) p.capacity = now.capacity
  for (const key of ['heap', 'live', 'rss']) {
    p[key] += now[key]
    row[key] = now[key]
  }
  p.pause = Math.max(p.pause, now.gc.longest)
  p.behind += now.fanout?.behind ?? 0
  p.lag = Math.max(p.lag, now.fanout?.lag ?? 0)
  for (const [i, loop] of (now.loops ?? []).entries()) {
    p.blocked += loop.blocked
    p.unsent += loop.unsent
    p.byLoop = { ...p.byLoop, [`${name}.${i}`]: loop.connections }
  }
}

// addRates adds what a process has done since the sample before.
function addRates(p, row, now, then, elapsed) {
  const rate = (key, value) => {
    const grown = grew(value(now), value(then))
    if (grown === null) return null
    p[key] = (p[key] ?? 0) + grown / elapsed
    return grown / elapsed
  }
  row.cores = rate('cores', (n) => n.cpu)
  rate('cycles', (n) => n.gc.cycles)
  rate('accepts', (n) => n.accepts ?? 0)
  addLabels(p.refusals, now.refusals, then.refusals, elapsed)
  addLabels(p.closes, now.closes, then.closes, elapsed)
  if (now.feed) rate('late', (n) => (n.feed ? n.feed.late + n.feed.skipped : null))
  if (!now.fanout || !then.fanout) return
  row.deliveries = rate('deliveries', (n) => n.fanout.deliveries)
  const messages = grew(now.fanout.messages, then.fanout.messages) // every worker gets every message
  if (messages !== null) p.messages = Math.max(p.messages ?? 0, messages / elapsed)
  rate('conflated', (n) => n.fanout.conflated)
  rate('overruns', (n) => n.fanout.overruns)
  p.taken += grew(now.fanout.taken, then.fanout.taken) ?? 0
  addCounts(p.fanouts, 0, now.fanout.counts, 0, then.fanout.counts)
  if (now.latency) addCounts(p.latency, now.latency.from, now.latency.counts, then.latency?.from ?? 0, then.latency?.counts ?? [])
  const busy = (now.loops ?? []).map((l, i) => (grew(l.busy, then.loops?.[i]?.busy) ?? 0) / elapsed)
  p.busiest = Math.max(p.busiest ?? 0, ...busy)
}

// grew is by how much a counter grew, null if it is another counter now.
function grew(now, then) {
  return typeof now === 'number' && typeof then === 'number' && now >= then ? now - then : null
}

function addLabels(to, now = {}, then = {}, elapsed) {
  for (const [label, n] of Object.entries(now)) to[label] = (to[label] ?? 0) + (grew(n, then[label] ?? 0) ?? 0) / elapsed
}

// addCounts adds the growth of counts that begin at a bin each.
function addCounts(to, from, now, thenFrom, then) {
  now.forEach((n, i) => {
    const bin = from + i
    const grown = grew(n, then[bin - thenFrom] ?? 0) ?? 0
    if (grown > 0) to[bin] = (to[bin] ?? 0) + grown
  })
}

// restarts notes how often each worker was started again; the supervisor knows.
function restarts(p, sample) {
  for (const process of sample.processes) {
    for (const [worker, n] of Object.entries(process.numbers?.restarts ?? {})) {
      const row = p.processes.find((r) => r.worker === worker)
      if (row) Object.assign(row, { restarts: n, clients: true })
    }
  }
}

// finish computes what needs all processes.
function finish(p, scale) {
  p.p50 = quantile(p.latency, 0.5, scale.latency)
  p.p99 = quantile(p.latency, 0.99, scale.latency)
  const passes = p.fanouts.reduce((sum, n) => sum + (n ?? 0), 0)
  p.fanoutMean = passes > 0 ? p.taken / passes : null
  p.fanoutMost = passes > 0 ? bounds(p.fanouts.length - 1, scale.fanout)[1] : null
}
