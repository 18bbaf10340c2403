package iomodel

import "github.com/panjf2000/gnet/v2/pkg/pool/goroutine"

// ReleasePool ends the worker pool that gnet starts in every program that imports it: two goroutines, one of which wakes
// up twice a second. Only gnet's own dialing needs them. Without the call they would be part of what a gateway with any
// I/O model is measured with. The pool cannot be used any more.
func ReleasePool() { goroutine.DefaultWorkerPool.Release() }
