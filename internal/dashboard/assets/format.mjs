// Numbers as people read them. Every function takes a number, or null or undefined for "not known".

const unknown = '–'

const missing = (v) => v === null || v === undefined || Number.isNaN(v)

// count is a number of things: exact below 10,000, then with k, M or G.
export function count(v) {
  if (missing(v)) return unknown
  const size = Math.abs(v)
  if (size >= 1e9) return digits(v / 1e9) + ' G'
  if (size >= 1e6) return digits(v / 1e6) + ' M'
  if (size >= 1e4) return digits(v / 1e3) + ' k'
  if (Number.isInteger(v)) return grouped(v)
  return digits(v)
}

// whole is a number of things in full.
export function whole(v) {
  return missing(v) ? unknown : grouped(Math.round(v))
}

// rate is a number of things a second.
export function rate(v) {
  return missing(v) ? unknown : count(v < 10 ? v : Math.round(v)) + '/s'
}

// bytes is a size in binary units.
export function bytes(v) {
  if (missing(v)) return unknown
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let i = 0
  for (; Math.abs(v) >= 1024 && i < units.length - 1; i++) v /= 1024
  return `${digits(v)} ${units[i]}`
}

// seconds is a duration, from nanoseconds to minutes.
export function seconds(v) {
  if (missing(v)) return unknown
  const size = Math.abs(v)
  if (size === 0) return '0 s'
  if (size < 1e-6) return `${digits(v * 1e9)} ns`
  if (size < 1e-3) return `${digits(v * 1e6)} µs`
  if (size < 1) return `${digits(v * 1e3)} ms`
  if (size < 120) return `${digits(v)} s`
  return `${digits(v / 60)} min`
}

// cores is processor time per time.
export function cores(v) {
  return missing(v) ? unknown : v.toFixed(2)
}

// price keeps two digits, or four below 10.
export function price(v) {
  return missing(v) ? unknown : v.toFixed(Math.abs(v) < 10 ? 4 : 2)
}

// clock is a time of day; t is in Unix seconds.
export function clock(t) {
  const d = new Date(t * 1000)
  return [d.getHours(), d.getMinutes(), d.getSeconds()].map((n) => String(n).padStart(2, '0')).join(':')
}

// words is a reason's label as words.
export function words(label) {
  return label.replaceAll('_', ' ')
}

// digits has three significant digits, and no zeros behind the point.
function digits(v) {
  const size = Math.abs(v)
  if (size >= 100) return String(Math.round(v))
  return String(Number(v.toPrecision(3)))
}

function grouped(v) {
  return String(v).replace(/\B(?=(\d{3})+$)/g, ',')
}
