// Package dashboard shows the gateway in a browser: a page with plots at the private listener, and the samples that they are
// drawn from. Once a second, every five seconds while no page is open, it asks every process of the gateway for its numbers, which each of them has at hand, and
// keeps ten minutes of the answers; any number of open pages reads those same bytes. The price in the page comes from the public listener's
// own event stream, read as any client would, while somebody looks.
//
// It knows neither how processes are asked nor who may open the page: cmd/gateway and internal/admin do.
package dashboard
