// The Node side of TestNodeClient: node client.js URL COUNT. Prints the extensions and COUNT messages, one JSON string a line, sees a ping answered, closes
// with 1000 and prints the close code that came back. Any trouble ends it with status 1.
'use strict'
const WebSocket = require('ws')

const [url, count] = [process.argv[2], Number(process.argv[3])]
const socket = new WebSocket(url) // offers permessage-deflate, as every browser does; what was agreed on is the first line
let received = 0
let pong = false

const fail = (why) => { console.error(String(why)); process.exit(1) }
setTimeout(() => fail(`timeout after ${received} messages, pong: ${pong}`), 60000).unref()

socket.on('error', fail)
socket.on('open', () => {
  console.log(JSON.stringify(socket.extensions))
  socket.ping('node')
})
socket.on('pong', (data) => { pong = data.toString() === 'node' })
socket.on('message', (data, binary) => {
  if (binary) fail('got a binary message')
  if (received >= count) return
  console.log(JSON.stringify(data.toString()))
  if (++received === count) socket.close(1000, 'done')
})
socket.on('close', (code) => {
  if (!pong) fail('got no pong')
  console.log(code)
})
