// The connection to the gateway: an EventSource that never gives up, and tells how it is.

const path = '/v1/stats/stream'

// silence is how many seconds without an event mean that nobody is at the other end of a tunnel any more.
const silence = 8

// follow calls handlers by the name of the event with its data, and tell with 'live', 'connecting' or 'lost' whenever that changes.
export function follow(handlers, tell) {
  let source = null
  let heard = 0
  let last = ''
  let state = ''
  const become = (next) => {
    if (next !== state) tell((state = next))
  }
  const open = () => {
    source?.close()
    heard = performance.now()
    source = new EventSource(last ? `${path}?lastEventId=${encodeURIComponent(last)}` : path)
    for (const [name, handle] of Object.entries(handlers)) {
      source.addEventListener(name, (event) => {
        heard = performance.now()
        last = event.lastEventId || last
        become('live')
        handle(JSON.parse(event.data))
      })
    }
    source.addEventListener('error', () => become('lost'))
  }
  become('connecting')
  open()
  setInterval(() => {
    const silent = (performance.now() - heard) / 1000
    if (silent > silence / 2) become('lost')
    // The browser tries again by itself, but not after an answer that is no stream, and it waits for ever for one that has fallen silent.
    if (silent > silence || (source.readyState === EventSource.CLOSED && silent > 1)) open()
  }, 1000)
}
