// Package page writes a run's report as one HTML file that needs nothing else: no network, no server, no program. The verdict comes first, then the
// pictures, then the tables, and the whole JSON document is inside.
//
// Pictures are SVG made here, so that they are there without JavaScript and on paper; a small script adds the numbers under the pointer. Everything
// that comes from outside (targets, commands, error texts) passes through html/template.
//
// Left to others: what is measured and what it means (load/report and the packages below it).
package page
