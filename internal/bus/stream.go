package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/nats-io/nats.go/jetstream"
)

// ensure makes the stream exist. The embedded server's stream takes the limits of cfg each time; an external
// one that exists belongs to its operator and is left as it is.
func ensure(ctx context.Context, js jetstream.JetStream, cfg Config) (jetstream.Stream, error) {
	if len(cfg.URLs) == 0 {
		return js.CreateOrUpdateStream(ctx, streamConfig(cfg))
	}
	stream, err := js.Stream(ctx, Stream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		stream, err = js.CreateStream(ctx, streamConfig(cfg))
	}
	if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // another node was faster
		stream, err = js.Stream(ctx, Stream)
	}
	if err != nil {
		return nil, err
	}
	if subjects := stream.CachedInfo().Config.Subjects; !slices.Contains(subjects, SubjectPrefix+">") {
		return nil, fmt.Errorf("it has the subjects %q, %s> must be one of them", subjects, SubjectPrefix)
	}
	return stream, nil
}

func streamConfig(cfg Config) jetstream.StreamConfig {
	storage := jetstream.FileStorage
	if cfg.Dir == "" && len(cfg.URLs) == 0 {
		storage = jetstream.MemoryStorage
	}
	return jetstream.StreamConfig{
		Name:        Stream,
		Description: "messages of the tickgate push gateway",
		Subjects:    []string{SubjectPrefix + ">"},
		Storage:     storage,
		Retention:   jetstream.LimitsPolicy,
		Discard:     jetstream.DiscardOld,
		MaxBytes:    cfg.MaxBytes,
		MaxMsgs:     cfg.MaxMessages,
		MaxAge:      cfg.MaxAge,
		MaxMsgSize:  int32(cfg.MaxPayload + maxHeaders),
		Duplicates:  cfg.Window,
		Replicas:    cfg.Replicas,
	}
}

// epochOf derives the epoch from the moment the stream was created, which it keeps for as long as it exists, on
// every node and over restarts: nanoseconds in base 36, twelve characters.
func epochOf(info *jetstream.StreamInfo) string {
	return strconv.FormatInt(info.Created.UnixNano(), 36)
}
