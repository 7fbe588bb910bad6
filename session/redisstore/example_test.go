package redisstore_test

import (
	"context"
	"fmt"
	"time"

	"sessiongate/session"
	"sessiongate/session/redisstore"
	"sessiongate/session/seal"
)

// A session from its start to its end, on the Redis inside this process. With
// Options.Addresses it would be on one that others share.
func Example() {
	secret, _ := seal.ParseKey([]byte(seal.GenerateKey()))
	fields, err := seal.NewFields([]seal.Key{{ID: "2026-03", Secret: secret}}, time.Now)
	if err != nil {
		fmt.Println(err)
		return
	}
	embedded := redisstore.StartEmbedded()
	defer embedded.Close()
	store, err := redisstore.New(embedded.Options(redisstore.Options{
		Rules: session.Rules{Idle: 30 * time.Minute}, Sealer: fields,
	}))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close()

	ctx := context.Background()
	id := session.NewHandle(session.Browser).ID()
	_, err = store.Create(ctx, session.Record{
		ID: id, Facts: session.State{Generation: session.FirstGeneration, BrowserClass: "Firefox"},
		Identity: session.Identity{Subject: "ada", Provider: "local"}, Tokens: session.Tokens{Access: "token"},
	}, session.Lifetimes{Absolute: 24 * time.Hour}, session.NewSchedule(10*time.Minute, 30*time.Second))
	if err != nil {
		fmt.Println(err)
		return
	}

	presented := session.Presentation{ID: id, Generation: session.FirstGeneration, BrowserClass: "Firefox", Touch: true}
	answer, err := store.Resolve(ctx, presented)
	fmt.Println(answer.Verdict.Outcome == session.OutcomeCurrent, answer.Record.Identity.Subject, err)

	_, _ = store.End(ctx, id, session.Logout)
	answer, err = store.Resolve(ctx, presented)
	fmt.Println(answer.Verdict.Outcome == session.OutcomeEnded, answer.Verdict.Reason, err)
	// Output:
	// true ada <nil>
	// true logout <nil>
}
