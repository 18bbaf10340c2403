package hub

import "time"

// withheldQueue holds pacers by the time when they are due: a binary heap, in which each knows its place, so that one that
// ends leaves at once. pacer.next must not change meanwhile.
type withheldQueue struct{ heap []*pacer }

// due reports whether anybody is due at a time.
func (q *withheldQueue) due(now time.Duration) bool { return len(q.heap) > 0 && q.heap[0].next <= now }

func (q *withheldQueue) push(p *pacer) {
	q.heap = append(q.heap, p)
	q.up(len(q.heap)-1, p)
}

// pop takes out the first one that is due.
func (q *withheldQueue) pop() *pacer {
	p := q.heap[0]
	q.remove(p)
	return p
}

func (q *withheldQueue) remove(p *pacer) {
	i := int(p.place)
	last := len(q.heap) - 1
	moved := q.heap[last]
	q.heap[last] = nil
	q.heap = q.heap[:last]
	p.place = nowhere
	if moved != p {
		q.up(q.down(i, moved), moved)
	}
}

// up puts p at i or further up, above all that are due later.
func (q *withheldQueue) up(i int, p *pacer) {
	for i > 0 {
		parent := (i - 1) / 2
		if q.heap[parent].next <= p.next {
			break
		}
		q.put(i, q.heap[parent])
		i = parent
	}
	q.put(i, p)
}

// down moves those below i up that are due before p, and returns the place that is left for it.
func (q *withheldQueue) down(i int, p *pacer) int {
	for {
		child := 2*i + 1
		if child >= len(q.heap) {
			return i
		}
		if right := child + 1; right < len(q.heap) && q.heap[right].next < q.heap[child].next {
			child = right
		}
		if q.heap[child].next >= p.next {
			return i
		}
		q.put(i, q.heap[child])
		i = child
	}
}

func (q *withheldQueue) put(i int, p *pacer) {
	q.heap[i] = p
	p.place = int32(i)
}
