package auth_test

import (
	"errors"
	"fmt"
	"time"

	"tickgate/internal/auth"
	"tickgate/internal/auth/keyset"
	"tickgate/internal/auth/tokentest"
)

// An event loop checks a token, and either goes on at once or is handed the outcome as a task.
func ExampleVerifier_Check() {
	issuer := tokentest.EdDSA("2026-11")
	keys, err := keyset.ParsePEM("2026-11", issuer.PEM())
	if err != nil {
		fmt.Println(err)
		return
	}
	v := auth.New(auth.Config{Keys: keys, Leeway: 30 * time.Second})
	defer v.Close()

	tasks := make(chan func(), 1) // stands for the loop's queue
	open := func(verdict *auth.Verdict, err error) {
		var refused *auth.Error
		switch {
		case errors.As(err, &refused):
			fmt.Println(refused.HTTP.Status, refused.Reason)
		case !verdict.Permissions.MaySubscribe("price.*"):
			fmt.Println(auth.ErrForbidden.HTTP.Status)
		default:
			fmt.Println("open until", verdict.Expires.UTC().Format(time.DateTime))
		}
	}
	token := auth.NewToken(issuer.Sign(`{"exp":33000000000,"tickgate":{"subscribe":["price.>"]}}`))
	for range 2 {
		verdict, err := v.Check(token, func(verdict *auth.Verdict, err error) {
			tasks <- func() { open(verdict, err) }
		})
		if errors.Is(err, auth.ErrPending) {
			(<-tasks)()
			continue
		}
		open(verdict, err)
	}
	// Output:
	// open until 3015-09-24 10:40:30
	// open until 3015-09-24 10:40:30
}
