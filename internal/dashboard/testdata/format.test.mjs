import { test } from 'node:test'
import assert from 'node:assert/strict'
import * as format from '../assets/format.mjs'

const cases = [
  [format.count, [[0, '0'], [9999, '9,999'], [100000, '100 k'], [12345678, '12.3 M'], [4.2e9, '4.2 G'], [0.25, '0.25'], [null, '–'], [undefined, '–'], [NaN, '–']]],
  [format.whole, [[1234567, '1,234,567'], [12.6, '13'], [null, '–']]],
  [format.rate, [[0.5, '0.5/s'], [3001.7, '3,002/s'], [null, '–']]],
  [format.bytes, [[0, '0 B'], [1023, '1023 B'], [1024, '1 KiB'], [80.3 * 1024 * 1024, '80.3 MiB'], [2 ** 41, '2 TiB'], [null, '–']]],
  [format.seconds, [[0, '0 s'], [3e-8, '30 ns'], [1.5e-5, '15 µs'], [0.0411, '41.1 ms'], [0.1, '100 ms'], [13.1, '13.1 s'], [180, '3 min'], [null, '–']]],
  [format.price, [[99.9, '99.90'], [1.23456, '1.2346'], [null, '–']]],
  [format.cores, [[0.532, '0.53'], [null, '–']]],
  [format.words, [['peer_closed', 'peer closed']]],
]

for (const [f, rows] of cases) {
  test(f.name, () => {
    for (const [value, want] of rows) assert.equal(f(value), want, `${f.name}(${value})`)
  })
}

test('clock', () => {
  assert.equal(format.clock(new Date(2026, 0, 2, 3, 4, 5).getTime() / 1000), '03:04:05')
})
