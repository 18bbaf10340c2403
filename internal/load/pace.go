package load

import (
	"fmt"
	"net/netip"
	"time"
)

// OnWork implements epoll.Handler: everything that is done at a time of the swarm's choosing. One call connects or
// disconnects at most budget clients.
func (l *loop) OnWork(budget int) (more bool) {
	now := time.Now()
	if l.farewell {
		l.idle.Store(false)
		return l.sendAway(budget)
	}
	if l.started.IsZero() {
		return false
	}
	budget -= l.welcomeBack(now, budget)
	budget -= l.ramp(now, budget)
	l.churn(now, budget)
	l.depose(now, budget)
	l.idle.Store(l.next >= l.end && l.away.Len() == 0 && l.cfg.Churn == 0 && l.absence.complete)
	return budget <= 0
}

// stir ends the loop's idleness.
func (l *loop) stir() {
	l.idle.Store(false)
	l.kick()
}

// ramp dials the first connections of new clients as the rate allows.
func (l *loop) ramp(now time.Time, budget int) (done int) {
	allowed := budget
	if l.cfg.Rate > 0 {
		allowed = min(budget, int(l.cfg.Rate*l.share*now.Sub(l.started).Seconds())-l.dialed)
	}
	for ; done < allowed && l.next < l.end; done++ {
		i := l.next
		l.next += l.step
		l.dialed++
		s := client{index: uint32(i), target: l.deal.target(i)}
		if l.cfg.slow(i) {
			s.flags |= flagSlow
		}
		if _, leaves := l.cfg.Absence.member(i, l.cfg.Total); leaves {
			s.flags |= flagLeaver
		}
		l.dial(s)
	}
	return done
}

// fresh returns how many clients have not been dialed yet.
func (l *loop) fresh() int { return max(0, (l.end-l.next+l.step-1)/l.step) }

// welcomeBack dials clients whose pause is over.
func (l *loop) welcomeBack(now time.Time, budget int) (done int) {
	for ; done < budget; done++ {
		a, due := l.away.due(now.UnixNano())
		if !due {
			break
		}
		a.client.renew()
		l.dial(a.client)
	}
	return done
}

// dial begins a connection for a client.
func (l *loop) dial(s client) {
	t := l.target(&s)
	l.tally(&s).Dialed++
	s.mark = time.Now().UnixNano()
	c, err := l.ep.Dial(l.source.take(t.Addr.Addr()), t.Addr)
	if err != nil {
		l.undialed(s, err)
		return
	}
	l.dialing++
	*c.State() = s
	l.ep.SetTimer(c, l.cfg.Timeout)
}

// undialed deals with a connection that could not even be begun.
func (l *loop) undialed(s client, err error) {
	l.faults.count(failureOf(err), func() string { return fmt.Sprintf("%s: %v", l.target(&s).URL, err) })
	if l.cfg.NoReconnect {
		l.gaveUp++
		return
	}
	s.mark = time.Now().UnixNano() + int64(backoff(s.attempts))
	l.goAway(&s)
}

// goAway makes a client wait until its mark.
func (l *loop) goAway(s *client) {
	l.away.add(away{due: s.mark, client: *s})
	l.stir()
}

// churn makes clients leave at Config.Churn a second, once the ramp is over; they return after a second.
func (l *loop) churn(now time.Time, budget int) {
	if l.cfg.Churn == 0 || l.holding != holding {
		return
	}
	if !l.churnedAt.IsZero() {
		l.churned += l.cfg.Churn * l.share * now.Sub(l.churnedAt).Seconds()
	}
	l.churnedAt = now
	for ; l.churned >= 1 && budget > 0 && len(l.roster) > 0; budget-- {
		l.churned--
		l.leave(l.roster[l.rng.IntN(len(l.roster))], churnPause)
	}
}

// churnPause is how long a client that churns stays away.
const churnPause = time.Second

// leave makes an open connection say goodbye.
func (l *loop) leave(c *conn, pause time.Duration) {
	l.tally(c.State()).Left++
	l.goodbye(c)
	l.depart(c, pause)
}

// sendAway closes all connections, budget of them at a time.
func (l *loop) sendAway(budget int) (more bool) {
	for ; budget > 0 && len(l.roster) > 0; budget-- {
		l.leave(l.roster[len(l.roster)-1], never)
	}
	return len(l.roster) > 0
}

// sourceFor is where a target is dialed from first; Probe uses it so that it meets the same obstacles.
func sourceFor(sources []netip.Addr, t *Target) netip.AddrPort {
	r := rotation{addrs: sources}
	return r.take(t.Addr.Addr())
}
