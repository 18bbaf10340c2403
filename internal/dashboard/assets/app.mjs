// The page: takes samples and ticks from the stream, and draws at most once a frame.

import { follow } from './stream.mjs'
import { History } from './history.mjs'
import { Prices } from './prices.mjs'
import { Plot, element } from './plot.mjs'
import { specs, tiles } from './panels.mjs'
import { bytes, clock, cores, count, rate } from './format.mjs'
import { colours } from './theme.mjs'

const page = { history: new History(600), prices: new Prices(600), view: { from: 0, to: 1 }, colours: colours(), pinned: null }
const status = document.getElementById('status')
const plots = specs.map((spec) => new Plot(spec, page))
document.getElementById('panels').append(...plots.map((plot) => plot.element))

const values = tiles.map(([name]) => {
  const [value, beside] = [element('dd', { className: 'value' }), element('dd', { className: 'beside' })]
  const tile = element('div')
  tile.append(element('dt', { textContent: name }), value, beside)
  document.getElementById('tiles').append(tile)
  return { value, beside }
})

let drawing = false

// draw asks for a drawing with the next frame; a hidden page is not drawn.
function draw() {
  if (drawing) return
  drawing = true
  requestAnimationFrame(() => {
    drawing = false
    look()
    for (const plot of plots) plot.update()
    if (page.pinned !== null) plots[0].point(page.pinned)
    showTiles()
    showProcesses()
  })
}

// skew is how far the gateway's clock is ahead of the browser's, in seconds: the axis goes on in the gateway's time when nothing comes.
let skew = 0

// look moves the view: its right edge is now, whether there are samples or not.
function look() {
  const minutes = Number(new FormData(document.getElementById('window')).get('minutes'))
  page.view.to = Date.now() / 1000 + skew
  page.view.from = page.view.to - minutes * 60
}

function showTiles() {
  const p = page.history.newest()
  if (!p) return
  tiles.forEach(([, value, beside], i) => {
    setText(values[i].value, value(p))
    setText(values[i].beside, beside(p))
  })
}

function showProcesses() {
  const rows = page.history.newest()?.processes ?? []
  const body = document.querySelector('#processes tbody')
  while (body.rows.length > rows.length) body.deleteRow(-1)
  rows.forEach((p, i) => {
    const row = body.rows[i] ?? newRow(body)
    const name = /^\d+$/.test(p.worker) ? (rows.length > 1 ? `worker ${p.worker}` : 'gateway') : p.worker
    const cells = [name, p.trouble || 'up', p.clients ? count(p.open) : '', p.clients ? rate(p.deliveries) : '',
      cores(p.cores), bytes(p.rss), bytes(p.heap), p.clients ? String(p.restarts) : '']
    cells.forEach((text, k) => setText(row.cells[k], text))
    row.className = p.trouble ? 'down' : ''
  })
}

function newRow(body) {
  const row = body.insertRow()
  row.append(element('th', { scope: 'row' }), ...Array.from({ length: 7 }, () => element('td')))
  return row
}

// setText changes the document only where something else is there now.
function setText(node, text) {
  if (node.textContent !== text) node.textContent = text
}

let lostAt = 0

function tell(state) {
  lostAt = state === 'lost' ? Date.now() / 1000 : 0
  status.dataset.state = state
  document.body.classList.toggle('stale', state !== 'live')
  setText(status, state === 'lost' ? `disconnected since ${clock(lostAt)}, trying again` : state)
  document.title = state === 'lost' ? 'tickgate: disconnected' : 'tickgate'
  draw()
}

function hello(data) {
  page.history.begin(data)
  skew = data.now / 1000 - Date.now() / 1000
  setText(document.getElementById('version'), data.version)
}

function sample(data) {
  page.history.add(data)
  draw()
}

const chosen = new URLSearchParams(location.hash.slice(1)).get('minutes')
for (const input of document.querySelectorAll('#window input')) {
  if (input.value === chosen) input.checked = true
}
document.getElementById('window').addEventListener('change', draw)
document.getElementById('panels').addEventListener('mousemove', () => { page.pinned = null })
document.addEventListener('visibilitychange', draw)
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  page.colours = colours()
  for (const plot of plots) plot.repaint()
})
setInterval(() => { if (status.dataset.state !== 'live') draw() }, 1000)
follow({ hello, sample, tick: (tick) => { page.prices.add(tick); draw() }, notick: (reason) => { page.prices.fail(reason); draw() } }, tell)
