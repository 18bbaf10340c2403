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
		return js.CreateOrUpdateStream(ctx, streamConfig(cfg, 1))
	}
	stream, err := js.Stream(ctx, Stream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		stream, err = create(ctx, js, cfg)
	}
	if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // another node was faster
		stream, err = js.Stream(ctx, Stream)
	}
	if err != nil {
		return nil, err
	}
	if err := suits(stream.CachedInfo().Config, cfg); err != nil {
		return nil, err
	}
	return stream, led(stream.CachedInfo())
}

// create makes an external stream. Without a wish for the number of copies it learns from the server's answer whether
// it is one of a cluster.
func create(ctx context.Context, js jetstream.JetStream, cfg Config) (jetstream.Stream, error) {
	if cfg.Replicas > 0 {
		return js.CreateStream(ctx, streamConfig(cfg, cfg.Replicas))
	}
	stream, err := js.CreateStream(ctx, streamConfig(cfg, clusterReplicas))
	var api *jetstream.APIError
	if errors.As(err, &api) && api.ErrorCode == codeNoCluster {
		return js.CreateStream(ctx, streamConfig(cfg, 1))
	}
	return stream, err
}

const (
	// clusterReplicas is the number of copies that survives the loss of a server: two would not, as both are needed
	// for a majority.
	clusterReplicas = 3
	// codeNoCluster is JetStream's error code for more than one copy on a single server
	// (JSStreamReplicasNotSupportedErr).
	codeNoCluster = 10074
)

// suits returns an error if a stream that somebody has made cannot hold the messages, and tells what may surprise.
func suits(found jetstream.StreamConfig, cfg Config) error {
	if !slices.Contains(found.Subjects, SubjectPrefix+">") {
		return fmt.Errorf("it has the subjects %q, %s> must be one of them", found.Subjects, SubjectPrefix)
	}
	if found.Replicas < cfg.Replicas {
		cfg.Logger.Warn("the stream exists with fewer copies than --nats-replicas; 'nats stream edit "+Stream+" --replicas N' changes it",
			"copies", found.Replicas, "wanted", cfg.Replicas)
	}
	if found.Storage == jetstream.MemoryStorage {
		cfg.Logger.Warn("the stream is in the memory of the NATS servers: it loses its messages, and gives out their ids again, when all of them restart")
	}
	return nil
}

func streamConfig(cfg Config, replicas int) jetstream.StreamConfig {
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
		Replicas:    replicas,
	}
}

// epochOf derives the epoch from the moment the stream was created, which it keeps for as long as it exists, on
// every node and over restarts: nanoseconds in base 36, twelve characters.
func epochOf(info *jetstream.StreamInfo) string {
	return strconv.FormatInt(info.Created.UnixNano(), 36)
}
