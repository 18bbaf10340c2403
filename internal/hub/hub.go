package hub

import (
	"strings"
	"sync"
	"sync/atomic"

	"tickgate/internal/topic"
)

// Config is what a hub needs to know.
type Config struct {
	// Epoch is the stream's epoch, the first part of every message id.
	Epoch string
	// Floor is the sequence below which the stream holds nothing any more when the hub starts to read it
	// (its first sequence minus one). A client that resumes from before it is told of a gap.
	Floor uint64
	// Topic returns the configuration of a topic by its name. It must be safe for concurrent use, and must not call the hub.
	// Default: the defaults of TopicConfig for every topic.
	Topic func(name string) TopicConfig
	// MaxTopics bounds the number of topics, and with it memory: an idle topic costs about 500 bytes.
	// Default: 1,000,000.
	MaxTopics int
	// MaxBytes bounds the memory of all topics together: messages with their frames, rings and views. Beyond it the oldest
	// messages are dropped, the newest one of a topic only if there are no others. Frames made since the last message and
	// the newest message come on top. Default: 512 MiB.
	MaxBytes int64
	// MaxUnused bounds how many topics [Hub.Open] may bring into being before anybody has published to them.
	// Default: half of MaxTopics. They never take more than a quarter of MaxBytes.
	MaxUnused int
	// MaxViews bounds the number of patterns that somebody is subscribed to. A view costs 24 to 48 bytes for each message
	// held of its topics, and makes publishing to them dearer (BenchmarkPublishToViews). None is made
	// while the 8 to 16 bytes for each topic of each view come to more than a quarter of MaxBytes. Default: 256.
	MaxViews int
}

const (
	defaultMaxTopics = 1_000_000
	defaultMaxViews  = 256
	defaultMaxBytes  = 512 << 20
)

func (c Config) withDefaults() Config {
	if c.Topic == nil {
		c.Topic = func(string) TopicConfig { return TopicConfig{} }
	}
	if c.MaxTopics <= 0 {
		c.MaxTopics = defaultMaxTopics
	}
	if c.MaxBytes <= 0 {
		c.MaxBytes = defaultMaxBytes
	}
	if c.MaxUnused <= 0 {
		c.MaxUnused = max(c.MaxTopics/2, 1)
	}
	if c.MaxViews <= 0 {
		c.MaxViews = defaultMaxViews
	}
	return c
}

// Hub is the set of topics of one process.
type Hub struct {
	// immutable after New
	maxTopics, maxUnused, maxViews int

	packer packer

	era       atomic.Pointer[era]
	floor     atomic.Uint64 // of the sequences up to it, messages are missing from the logs
	lastSeq   atomic.Uint64
	published atomic.Uint64
	repeated  atomic.Uint64
	untracked atomic.Uint64
	gaps      atomic.Uint64
	behind    atomic.Uint64 // conflated: deliveries skipped of subscribers that fell behind
	paced     atomic.Uint64 // and of those that had asked for fewer

	asking    sync.Mutex
	asked     []preparation // guarded by asking; the first is being made
	preparing bool          // guarded by asking: a goroutine makes them

	joined atomic.Int64 // bytes of the lists of views that topics have; changed under writing

	opening sync.Mutex // held while a view is made; taken before writing

	// writing is held while a message is appended, and while the topics and views change; taken before mu.
	writing    sync.Mutex
	configure  func(name string) TopicConfig // guarded by writing, as all below
	generation uint64                        // of configure
	budget     budget
	order      []*Topic // the topics as they are swept
	swept      int      // where in order the next sweep begins
	unused     int      // topics that are Topic.unused
	incomplete bool     // Restore had no room for some topics
	building   *Topic   // the view that is being made, nil for none
	forgotten  uint64   // highest floor of a topic that was forgotten

	mu     sync.RWMutex
	topics map[string]*Topic // guarded by mu, written under writing too
	views  map[string]*Topic // likewise

	conflated map[string]uint64 // guarded by mu; by class, of topics that have left it
}

// New returns a hub without topics.
func New(cfg Config) *Hub {
	cfg = cfg.withDefaults()
	h := &Hub{
		configure: cfg.Topic,
		maxTopics: cfg.MaxTopics, maxUnused: cfg.MaxUnused, maxViews: cfg.MaxViews,
		topics: make(map[string]*Topic), views: make(map[string]*Topic), conflated: make(map[string]uint64),
	}
	h.era.Store(&era{epoch: cfg.Epoch})
	h.budget.limit = cfg.MaxBytes
	h.floor.Store(cfg.Floor)
	h.lastSeq.Store(cfg.Floor)
	return h
}

// LastSeq returns the highest sequence published so far, of the stream that is read now.
func (h *Hub) LastSeq() uint64 {
	e := h.era.Load()
	return h.lastSeq.Load() - e.base
}

// Topic returns the topic of that name, which it creates if need be. It returns nil if the hub already
// holds Config.MaxTopics others. Safe for concurrent use.
func (h *Hub) Topic(name string) *Topic {
	if t := h.find(name, false); t != nil {
		return t
	}
	h.writing.Lock()
	defer h.writing.Unlock()
	return h.topicLocked(name)
}

// topicLocked is Topic for who holds writing.
func (h *Hub) topicLocked(name string) *Topic {
	if t := h.find(name, false); t != nil || len(h.topics) >= h.maxTopics || !h.budget.fitLocked(topicCost(name)) {
		return t
	}
	h.budget.used.Add(topicCost(name))
	name = strings.Clone(name) // it may be a part of a client's request
	t := newTopicLocked(h, name)
	t.place = len(h.order)
	h.order = append(h.order, t)
	h.selectLocked(t)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.topics[name] = t
	return t
}

// topicCost is the memory of a topic beside its ring.
func topicCost(name string) int64 { return topicBytes + int64(len(name)) }

// Lookup returns what [Hub.Open] has returned for that name, or nil if it is not there (any more): the topic, or the view of
// the pattern. It creates neither. Safe for concurrent use.
func (h *Hub) Lookup(name string) *Topic { return h.find(name, topic.IsWild(name)) }

// Publish appends a message to its topic's log and tells the topic's readers. It must not be called by two
// goroutines at a time. A sequence that is not above all earlier ones is a repetition: it is counted and
// false is returned, as it is for a topic that Config.MaxTopics or MaxBytes leave no room for; nobody can be subscribed
// to such a topic.
func (h *Hub) Publish(p Publication) bool {
	e := h.era.Load()
	p.Seq += e.base
	h.writing.Lock()
	defer h.writing.Unlock()
	if p.Seq <= h.lastSeq.Load() {
		h.repeated.Add(1)
		return false
	}
	if p.Gap {
		h.floor.Store(p.Seq - 1)
		h.gaps.Add(1)
	}
	t := h.topicLocked(p.Topic)
	if t == nil {
		h.lastSeq.Store(p.Seq)
		h.untracked.Add(1)
		return false
	}
	h.usedLocked(t)
	t.publishLocked(newMessage(e, t, p))
	h.lastSeq.Store(p.Seq)
	h.published.Add(1)
	h.budget.fitLocked(0)
	return true
}
