// Package plot has the arithmetic of the pictures in reports: round axes, linear and logarithmic scales, and the path data of SVG. The pictures
// themselves are made by the templates of those who use it.
//
// Left to others: colours, texts, and what is drawn.
package plot
