package doctor_test

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"tickgate/internal/doctor"
	"tickgate/internal/limits"
)

// childEnv makes this test binary examine the real machine under the conditions in which it was started.
const childEnv = "DOCTOR_CHILD"

func TestMain(m *testing.M) {
	if asked := os.Getenv(childEnv); asked != "" {
		if err := examineHere(asked); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// examineHere answers a doctor.Question in JSON.
func examineHere(asked string) error {
	var q doctor.Question
	if err := json.Unmarshal([]byte(asked), &q); err != nil {
		return err
	}
	snapshot, err := limits.Read("/")
	if err != nil {
		return err
	}
	facts, err := doctor.ReadFacts("/", q.Port)
	if err != nil {
		return err
	}
	return doctor.Examine(snapshot, facts, q).WriteJSON(os.Stdout)
}
