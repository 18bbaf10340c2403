package wire

// EachHeader calls f with the value of each field called name, in their order, until f returns false. Case is ignored. The values are as
// those of Header.
func (r *Request) EachHeader(name string, f func(value []byte) bool) {
	h := headReader{b: r.Raw[r.fields:]}
	for {
		n, v, fault := h.field()
		if fault != faultNone || n == nil {
			return
		}
		if equalFold(n, name) && !f(v) {
			return
		}
	}
}
