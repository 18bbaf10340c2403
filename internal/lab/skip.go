package lab

// SkipError says why an experiment cannot be made on this machine or with this build, through no fault of the experiment.
type SkipError struct{ Why string }

// Error returns the reason.
func (e *SkipError) Error() string { return e.Why }
