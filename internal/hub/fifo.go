package hub

// fifo is a queue in a circular buffer that grows as needed. The zero value is empty and owns no memory.
type fifo[T any] struct {
	items []T // length is a power of two
	first uint
	count uint
}

func (q *fifo[T]) len() int { return int(q.count) }

func (q *fifo[T]) front() T { return q.items[q.first&uint(len(q.items)-1)] }

func (q *fifo[T]) push(v T) {
	if q.count == uint(len(q.items)) {
		q.grow()
	}
	q.items[(q.first+q.count)&uint(len(q.items)-1)] = v
	q.count++
}

// pop removes the front and forgets it. An empty queue that has grown large gives its memory back.
func (q *fifo[T]) pop() T {
	i := q.first & uint(len(q.items)-1)
	v := q.items[i]
	var zero T
	q.items[i] = zero
	q.first++
	q.count--
	if q.count == 0 && len(q.items) > largeFIFO {
		*q = fifo[T]{}
	}
	return v
}

// unpop puts v in front of all others.
func (q *fifo[T]) unpop(v T) {
	if q.count == uint(len(q.items)) {
		q.grow()
	}
	q.first--
	q.items[q.first&uint(len(q.items)-1)] = v
	q.count++
}

// largeFIFO is the number of items, 64 KiB of pointers, that an empty queue keeps room for.
const largeFIFO = 8192

func (q *fifo[T]) grow() {
	bigger := make([]T, max(16, 2*len(q.items)))
	n := copy(bigger, q.items[min(q.first&uint(max(len(q.items), 1)-1), uint(len(q.items))):])
	copy(bigger[n:], q.items)
	q.items, q.first = bigger, 0
}
