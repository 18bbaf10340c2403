// Package trial repeats tests about time. A machine that is stopped, or shared with others, can be later than any bound: whether a client answers
// within its second is then no fact about the program. Such a test is written for a unit of time and is repeated with a longer one; it fails if the
// program fails at every unit. Only what is inherently about time belongs here: what must be true whatever the speed is demanded at once.
package trial
