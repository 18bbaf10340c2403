// Package undo changes kernel settings in a way that they are changed back whatever happens to the process that changed them.
//
// Before the first change of a run a [Keeper] does two things. It hands the settings' original values to its guardian: a small process of the same
// binary in a session of its own, which no Ctrl-C and no hang-up reaches and which does nothing but wait for the other end of its pipe to be closed. The
// end of the keeper's process closes it, whether by a return, a panic or kill -9, and unless the settings had been put back by then the guardian does it.
// And it writes the values into an undo file and syncs it to disk. If both processes are killed that is what remains, and the next keeper
// honours it before anything else; after a reboot it drops it, for the settings have gone with the old kernel.
//
// A lock keeps two keepers from taking each other's changes for original values. The guardian holds it too, so that a new keeper cannot begin
// before the guardian of a killed one is done.
//
// Left to others: which settings are changed, and what runs meanwhile.
package undo
