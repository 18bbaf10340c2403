// What the page plots: one spec for each panel, in reading order. A spec's functions get the page: history, prices, view and colours.

import { bytes, cores, count, price, rate, seconds, words } from './format.mjs'
import { describe, extent, paint } from './heatmap.mjs'

// labelled makes a series for each label of a member.
const labelled = (member, name = words) => ({ history }) =>
  history.labels(member).map((label) => ({ label: name(label), value: (p) => (p[member] ? (p[member][label] ?? 0) : null) }))

// fixed always has the same series.
const fixed = (...series) => () => series

const transports = { ws: 'WebSocket', sse: 'SSE', handshake: 'handshake', closing: 'closing', echo: 'echo' }

// byPart are the connections of each worker; in one process those of each event loop.
const byPart = ({ history }) => {
  const workers = history.labels('byProcess')
  const [member, name, labels] =
    workers.length > 1 ? ['byProcess', 'worker', workers] : ['byLoop', 'loop', history.labels('byLoop')]
  const collator = new Intl.Collator('en', { numeric: true })
  return labels.sort(collator.compare).map((label) => ({
    label: `${name} ${member === 'byLoop' ? label.split('.')[1] : label}`, value: (p) => (p[member] ? (p[member][label] ?? 0) : null),
  }))
}

// binary are steps of an axis of sizes.
const binary = Array.from({ length: 45 }, (_, i) => 2 ** i)

// hundredths are steps of an axis of cores, which shows two digits.
const hundredths = [0.01, 0.1, 1, 10, 100].flatMap((n) => [n, 2 * n, 5 * n])

// decades are the places of a logarithmic axis's lines: powers of ten, and 2 and 5 times those where they are few.
function decades(min, max) {
  const steps = max / min > 1000 ? [1] : [1, 2, 5]
  const places = []
  for (let e = Math.floor(Math.log10(min)); e <= Math.log10(max); e++) {
    for (const step of steps) places.push(Number(`${step}e${e}`))
  }
  return places.filter((v) => v >= min && v <= max)
}

export const specs = [
  {
    title: 'Latency', wide: true, height: 260, log: true, format: seconds, paint, heat: true, range: (_min, _max, page) => extent(page),
    caption: 'From a message’s intended time to the kernel taking it. Of a pass through the subscribers its beginning, its end and its size are known; '
      + 'its deliveries are spread evenly between.',
    axis: { splits: (_u, _axis, min, max) => decades(min, max), filter: (_u, splits) => splits },
    series: ({ colours }) => [
      { label: 'p50', value: (p) => p.p50, colour: colours.text, dash: [5, 4] },
      { label: 'p99', value: (p) => p.p99, colour: colours.text, width: 2 },
    ],
    note: (page, u) => describe(u, page),
  },
  {
    title: 'Price', wide: true, height: 200, format: price, caption: 'The default topic, as a client of this gateway’s own /sse gets it; at most four messages a second.',
    series: ({ prices }) => prices.symbols().map((label) => ({ label })), data: ({ prices, history }) => prices.columns(prices.symbols(), history.gaps()),
    range: (min, max) => (min === null ? [0, 1] : [min - (max - min) * 0.1 - 0.01, max + (max - min) * 0.1 + 0.01]),
    empty: 'no price yet',
    note: ({ prices }) => prices.trouble || (prices.text && `the newest message has no price: ${prices.text}`),
  },
  {
    title: 'Connections by transport', format: count, caption: 'Open ones, and those that are coming or going.', empty: 'no client is connected',
    series: labelled('connections', (kind) => transports[kind] ?? kind), note: ({ history }) => `${rate(history.newest()?.accepts)} accepted`,
  },
  { title: 'Connections by worker', format: count, caption: 'How the kernel spread them; of one process, by event loop.', series: byPart },
  {
    title: 'Deliveries', format: rate, caption: 'Messages taken by clients’ sockets, one per message and client.',
    series: fixed({ label: 'deliveries', value: (p) => p.deliveries }),
    note: ({ history }) => (history.newest()?.late > 0 ? `the feed is late with ${rate(history.newest().late)} ticks` : ''),
  },
  {
    title: 'Fan-out', format: seconds, caption: 'From a message’s arrival in a process to the end of a loop’s pass. The slowest is known to a factor of two.',
    series: fixed({ label: 'mean', value: (p) => p.fanoutMean }, { label: 'slowest at most', value: (p) => p.fanoutMost }),
  },
  {
    title: 'GC pauses', format: seconds, caption: 'Longest time that any process was stopped by its garbage collector, per second.',
    series: fixed({ label: 'longest pause', value: (p) => p.pause }), note: ({ history }) => `${rate(history.newest()?.cycles)} collector cycles`,
  },
  {
    title: 'Memory', format: bytes, axis: { incrs: binary }, caption: 'All processes. Live is what the last collection found in use.',
    series: fixed({ label: 'RSS', value: (p) => p.rss }, { label: 'heap', value: (p) => p.heap }, { label: 'live', value: (p) => p.live }),
  },
  {
    title: 'Kernel socket memory', format: bytes, axis: { incrs: binary }, caption: 'Queues of all TCP sockets of this machine (sockstat), both ends if both are here.',
    series: fixed({ label: 'TCP', value: (p) => p.tcp }), note: ({ history }) => socketNote(history.newest()),
  },
  {
    title: 'Processor', format: cores, axis: { incrs: hundredths }, caption: 'Cores used by all processes, and the busy share of the busiest event loop.',
    series: fixed({ label: 'cores', value: (p) => p.cores }, { label: 'busiest loop', value: (p) => p.busiest }),
  },
  {
    title: 'Refusals', format: rate, caption: 'Connections turned away before their handshake was complete, by reason.', empty: 'none',
    series: labelled('refusals'),
  },
  { title: 'Closes', format: rate, caption: 'Connections that ended, by reason.', empty: 'none', series: labelled('closes') },
  {
    title: 'Slow consumers', format: count, caption: 'Clients whose socket is full, and those that wait to catch up.',
    series: fixed({ label: 'behind', value: (p) => p.behind }, { label: 'full socket', value: (p) => p.blocked }),
    note: ({ history }) => `${bytes(history.newest()?.unsent)} of half-sent frames remembered`,
  },
  {
    title: 'Skipped and lost', format: rate, caption: 'Messages skipped for a newer one (conflated), and subscriptions ended because the log went past them.',
    series: fixed({ label: 'conflated', value: (p) => p.conflated }, { label: 'overruns', value: (p) => p.overruns }),
  },
]

function socketNote(p) {
  return p?.sockets === undefined ? '' : `${count(p.sockets)} sockets in use, ${count(p.timeWait)} in TIME-WAIT`
}

// tiles are the numbers on top: name, value, and what to say beside it.
export const tiles = [
  ['Connections', (p) => count(p.open), (p) => (p.capacity ? `of ${count(p.capacity)}` : '')],
  ['Deliveries', (p) => rate(p.deliveries), (p) => `${rate(p.messages)} messages`],
  ['Latency p99', (p) => seconds(p.p99), (p) => `p50 ${seconds(p.p50)}`],
  ['Cores used', (p) => cores(p.cores), (p) => `busiest loop ${percent(p.busiest)}`],
  ['Memory', (p) => bytes(p.rss), (p) => `heap ${bytes(p.heap)}`],
  ['Kernel TCP', (p) => bytes(p.tcp), (p) => `${count(p.sockets)} sockets`],
  ['Behind', (p) => count(p.behind), (p) => (p.lag > 0 ? `slowest by ${seconds(p.lag)}` : 'nobody lags')],
  ['Refused', (p) => rate(total(p.refusals)), (p) => `${rate(total(p.closes))} closed`],
]

const total = (rates) => Object.values(rates ?? {}).reduce((sum, n) => sum + n, 0)

const percent = (share) => (share === null || share === undefined ? '–' : `${Math.round(share * 100)} %`)
