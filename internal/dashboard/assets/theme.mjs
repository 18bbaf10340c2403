// The page's colours, from the style sheet: plots are drawn on canvases, which no style reaches.

// colours reads the custom properties of the style in force.
export function colours() {
  const style = getComputedStyle(document.documentElement)
  const read = (name) => style.getPropertyValue(name).trim()
  return {
    text: read('--text'), muted: read('--muted'), grid: read('--grid'), gap: read('--gap'),
    line: [0, 1, 2, 3, 4, 5, 6, 7].map((i) => read(`--line-${i}`)),
    heat: [0, 1, 2, 3, 4].map((i) => rgb(read(`--heat-${i}`))),
  }
}

// shade mixes the colours of a scale; part is from 0 to 1.
export function shade(scale, part) {
  const at = Math.min(Math.max(part, 0), 1) * (scale.length - 1)
  const i = Math.min(Math.floor(at), scale.length - 2)
  const mix = (k) => Math.round(scale[i][k] + (scale[i + 1][k] - scale[i][k]) * (at - i))
  return `rgb(${mix(0)} ${mix(1)} ${mix(2)})`
}

// rgb reads #rrggbb.
function rgb(hex) {
  return [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16))
}
