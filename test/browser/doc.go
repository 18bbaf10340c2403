// Package browser drives a headless Chromium for tests and screenshots, over the pipe that --remote-debugging-pipe opens: pages are
// loaded, asked, emulated and photographed, and whatever goes wrong in them is kept. It knows nothing of the pages.
package browser
