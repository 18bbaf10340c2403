// Histograms: counts by bin, sparse, over upper bounds. The bin behind the last bound has none.

// bounds are the lower and the upper bound of a bin, in the unit of the scale. The outermost are half and twice their neighbour, to have a place.
export function bounds(bin, scale) {
  const low = bin === 0 ? scale[0] / 2 : scale[Math.min(bin, scale.length) - 1]
  const high = bin < scale.length ? scale[bin] : scale.at(-1) * 2
  return [low, high]
}

// quantile is the value below which the q-th part of all counts lies, interpolated within its bin on a logarithmic scale; null if
// nothing was counted.
export function quantile(counts, q, scale) {
  let total = 0
  for (const n of counts) total += n ?? 0
  if (total === 0) return null
  let rest = q * total
  for (let bin = 0; bin < counts.length; bin++) {
    const n = counts[bin] ?? 0
    if (n > 0 && rest <= n) {
      const [low, high] = bounds(bin, scale)
      return low * (high / low) ** (rest / n)
    }
    rest -= n
  }
  return bounds(counts.length - 1, scale)[1]
}

// binOf is the bin of a value.
export function binOf(value, scale) {
  let low = 0
  let high = scale.length
  while (low < high) {
    const mid = (low + high) >> 1
    if (value <= scale[mid]) high = mid
    else low = mid + 1
  }
  return low
}
