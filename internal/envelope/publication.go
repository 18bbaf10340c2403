package envelope

// Publication is what a pub command asks to be published.
type Publication struct {
	Topic   string
	Payload []byte // not to be changed any more
	Event   string // the type of the message, empty for none
	MsgID   string // makes publishing repeatable, empty for not
}

// Stored is the stream's acknowledgement of a publication.
type Stored struct {
	ID        string // the message's id; that of the first one if it is a duplicate
	Duplicate bool   // a message of the same MsgID had been stored before
}
