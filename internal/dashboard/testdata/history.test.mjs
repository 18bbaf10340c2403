import { test } from 'node:test'
import assert from 'node:assert/strict'
import { History, toPoint } from '../assets/history.mjs'
import { bounds, binOf, quantile } from '../assets/latency.mjs'
import { Prices, most } from '../assets/prices.mjs'

const scale = { latency: [0.001, 0.002, 0.004], fanout: [0.1, 0.2] }

// numbers is what a process says; what is given replaces it.
function numbers(given = {}) {
  return {
    pid: 7, cpu: 1, rss: 100, heap: 10, live: 5, goal: 20, gc: { cycles: 3, longest: 0.001 }, connections: { ws: 2, sse: 1 }, accepts: 3, refusals: {},
    closes: { peer_closed: 4 }, loops: [{ busy: 0.5, connections: 3, blocked: 1, unsent: 9 }], ...given,
    fanout: { subscriptions: 3, behind: 1, topics: 1, messages: 10, deliveries: 30, conflated: 2, overruns: 0, lag: 0.5, taken: 1, counts: [5, 0, 0], ...given.fanout },
  }
}

const sample = (time, ...processes) => ({ time, sockets: { memory: 4096, inUse: 9, orphan: 0, timeWait: 1 }, processes })

test('a point has what happened between two samples, of all processes', () => {
  const before = sample(1000, { worker: '0', numbers: numbers() }, { worker: '1', numbers: numbers({ pid: 8 }) })
  const after = sample(
    3000,
    { worker: '0', numbers: numbers({ cpu: 2, fanout: { deliveries: 50, messages: 12, taken: 1.4, counts: [6, 1, 0] }, latency: { from: 1, counts: [10, 10] } }) },
    { worker: '1', numbers: numbers({ pid: 8, closes: { peer_closed: 6, slow_consumer: 2 }, fanout: { deliveries: 32, messages: 12 } }) },
  )
  const p = toPoint(before, after, scale)
  assert.equal(p.t, 3)
  assert.deepEqual(p.connections, { ws: 4, sse: 2 })
  assert.deepEqual(p.byProcess, { 0: 3, 1: 3 })
  assert.deepEqual(p.byLoop, { '0.0': 3, '1.0': 3 })
  assert.equal(p.open, 6)
  assert.equal(p.deliveries, 11)
  assert.equal(p.messages, 1, 'every worker gets every message')
  assert.equal(p.cores, 0.5)
  assert.deepEqual(p.closes, { peer_closed: 1, slow_consumer: 1 })
  assert.equal(p.behind, 2)
  assert.equal(p.blocked, 2)
  assert.equal(p.rss, 200)
  assert.equal(p.tcp, 4096)
  assert.deepEqual([...p.latency].map((n) => n ?? 0), [0, 10, 10])
  assert.equal(p.p50, 0.002)
  assert.ok(Math.abs(p.fanoutMean - 0.2) < 1e-9)
  assert.equal(p.fanoutMost, 0.2)
})

test('a worker that was started again, or is gone, adds nothing to the rates', () => {
  const before = sample(1000, { worker: '0', numbers: numbers() }, { worker: 'supervisor', numbers: { pid: 1, cpu: 0, rss: 1, heap: 1, live: 1, gc: { cycles: 0, longest: 0 }, restarts: { 0: 0 } } })
  const again = sample(2000, { worker: '0', numbers: numbers({ pid: 70, fanout: { deliveries: 5 } }) }, before.processes[1])
  assert.equal(toPoint(before, again, scale).deliveries, undefined)
  assert.equal(toPoint(before, again, scale).open, 3)
  const gone = sample(2000, { worker: '0', error: 'worker 0: not running' }, { worker: 'supervisor', numbers: { ...before.processes[1].numbers, restarts: { 0: 2 } } })
  const [row] = toPoint(before, gone, scale).processes
  assert.equal(row.trouble, 'down: worker 0: not running')
  assert.equal(row.restarts, 2)
  assert.equal(row.clients, true)
  const back = toPoint(gone, again, scale)
  assert.equal(back.deliveries, undefined)
})

test('what is wrong with a process', () => {
  const said = (given) => toPoint(null, sample(1000, { worker: '0', numbers: numbers(given) }), scale).processes[0].trouble
  assert.equal(said({ bus: { up: true } }), '')
  assert.equal(said({ bus: { up: false } }), 'no bus')
  assert.equal(said({ loops: [{ busy: 1 }, { busy: 1, stuck: true }] }), 'loop 1 is stuck')
})

test('a counter that fell is another counter', () => {
  const before = sample(1000, { worker: '0', numbers: numbers() })
  const p = toPoint(before, sample(2000, { worker: '0', numbers: numbers({ fanout: { deliveries: 1 }, closes: { peer_closed: 1 } }) }), scale)
  assert.equal(p.deliveries, undefined)
  assert.deepEqual(p.closes, { peer_closed: 0 })
})

test('a history keeps its time, knows its gaps and takes a sample once', () => {
  const h = new History(600)
  h.begin({ history: 10, latency: scale.latency, fanout: scale.fanout })
  for (const time of [1000, 2000, 2000, 3000, 12000, 13000]) h.add(sample(time, { worker: '0', numbers: numbers() }))
  assert.deepEqual(h.times(), [3, 4, 12, 13])
  assert.deepEqual(h.gaps(), [[4, 12]])
  assert.deepEqual(h.column((p) => p.open), [3, null, 3, 3])
  h.add(sample(14500, { worker: '0', numbers: numbers() }))
  assert.equal(h.times()[0], 12)
  assert.deepEqual(h.labels('connections'), ['ws', 'sse'])
})

test('quantiles', () => {
  assert.equal(quantile([], 0.5, scale.latency), null)
  assert.equal(quantile([0, 10], 0.5, scale.latency), 0.001 * 2 ** 0.5)
  assert.equal(quantile([10, 0, 10], 0.5, scale.latency), 0.001)
  assert.equal(quantile([0, 0, 0, 5], 1, scale.latency), 0.008)
  assert.deepEqual(bounds(0, scale.latency), [0.0005, 0.001])
  for (const [value, bin] of [[0.0001, 0], [0.001, 0], [0.0011, 1], [0.004, 2], [1, 3]]) assert.equal(binOf(value, scale.latency), bin)
})

test('prices', () => {
  const p = new Prices(100)
  for (const [time, symbol, value] of [[2000, 'A', 5], [1000, 'A', 4], [2000, 'A', 5], [2000, 'B', 9], [3000, 'A', 6]]) p.add({ time, symbol, price: value })
  assert.deepEqual(p.columns(p.symbols()), [[1, 2, 3], [4, 5, 6], [undefined, 9, undefined]])
  assert.deepEqual(p.columns(['A'], [[0.5, 0.7], [2.5, 2.8], [9, 10]]), [[1, 2, 2.5, 3], [4, 5, null, 6]])
  p.fail('the public listener answers 503')
  assert.equal(p.trouble, 'the public listener answers 503')
  p.add({ time: 4000, text: 'hello' })
  assert.equal(p.text, 'hello')
  assert.equal(p.trouble, '')
  p.add({ time: 103500, symbol: 'A', price: 7 })
  assert.equal(p.columns(['A'])[0][0], 103.5, 'older ones are gone')
  for (let i = 0; i < 9; i++) p.add({ time: 104000, symbol: `S${i}`, price: i })
  assert.equal(p.symbols().length, most)
})
