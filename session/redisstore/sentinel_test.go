package redisstore_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sessiongate/session"
	"sessiongate/session/redisstore"
	"sessiongate/session/storetest"
	"sessiongate/session/testserver"
)

// startSentinel watches primary with one redis-sentinel and returns its address.
func startSentinel(t *testing.T, primary *testserver.RedisServer, lines ...string) string {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := free.Addr().(*net.TCPAddr)
	free.Close()
	_, port, _ := net.SplitHostPort(primary.Addr())
	conf := filepath.Join(t.TempDir(), "sentinel.conf") // sentinel rewrites it
	text := fmt.Sprintf("bind 127.0.0.1\nport %d\ndir %s\nsentinel monitor main 127.0.0.1 %s 1\n"+
		"sentinel down-after-milliseconds main 500\nsentinel failover-timeout main 5000\n%s\n",
		addr.Port, filepath.Dir(conf), port, strings.Join(lines, "\n"))
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(testserver.Need(t, "redis"), conf, "--sentinel")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return addr.String()
}

func TestSentinelFailover(t *testing.T) {
	primary := testserver.Redis(t)
	replica := testserver.RedisReplica(t, primary)
	store := newStore(t, redisstore.Options{
		Addresses: []string{startSentinel(t, primary)}, Mode: redisstore.Sentinel, MasterName: "main",
	})
	waitUp(t, store)
	live, ended := login(t, store, smallTokens()), session.Presentation{}
	var before, now redisstore.Stats
	for tries := 0; tries < 3 && (tries == 0 || now.ShortWaits > before.ShortWaits); tries++ { // see threeTimes
		ended = login(t, store, smallTokens())
		state, _ := store.Keys(ended.ID)
		eventually(t, "the replica follows", func() bool { return replica.CLI("EXISTS", state) == "1" })
		before = store.Stats()
		if _, err := store.End(t.Context(), ended.ID, session.Logout); err != nil {
			t.Fatal(err)
		}
		now = store.Stats()
	}
	if now.Waits != before.Waits+1 || now.ShortWaits != before.ShortWaits {
		t.Errorf("stats %+v, then %+v", before, now)
	}
	changes := storetest.Follow(t, store)
	storetest.Await(t, changes, session.ChangeFeedUp, "")

	primary.Stop()
	storetest.Await(t, changes, session.ChangeFeedDown, "")
	resolveUntil(t, store, live, func(r session.Answer, err error) bool {
		return err == nil && r.Verdict.Live()
	})
	if r, err := store.Resolve(t.Context(), ended); err != nil || r.Verdict.Reason != session.Logout {
		t.Errorf("the logout did not survive the failover: %+v, %v", r.Verdict, err)
	}
	storetest.Await(t, changes, session.ChangeFeedUp, "")
	eventually(t, "the feed follows the new primary", func() bool {
		_, err := store.End(t.Context(), live.ID, session.Logout)
		return err == nil
	})
	storetest.Await(t, changes, session.ChangeEnded, live.ID)
}

func waitUp(t *testing.T, store *redisstore.Store) {
	t.Helper()
	eventually(t, "the store answers", func() bool {
		_, err := store.Probe(t.Context())
		return err == nil
	})
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); {
		if time.Now().After(deadline) {
			t.Fatalf("not within half a minute: %s", what)
		}
	}
}

// TestSentinelsHaveAPasswordOfTheirOwn, and it may change.
func TestSentinelsHaveAPasswordOfTheirOwn(t *testing.T) {
	primary := testserver.Redis(t, testserver.WithPassword("of the master"))
	for name, tt := range map[string]struct {
		lines []string
		user  string
	}{
		"a password":  {[]string{`requirepass "of the sentinel"`}, ""},
		"an ACL user": {[]string{"user default off", "user gate on >of-the-sentinel +@all ~* &*"}, "gate"},
	} {
		t.Run(name, func(t *testing.T) {
			password := session.Secret("wrong")
			store := newStore(t, redisstore.Options{
				Addresses: []string{startSentinel(t, primary, append(tt.lines, `sentinel auth-pass main "of the master"`)...)},
				Mode:      redisstore.Sentinel, MasterName: "main", SentinelUsername: tt.user,
				Access: func() (redisstore.Access, error) {
					return redisstore.Access{Password: "of the master", SentinelPassword: password}, nil
				},
			})
			eventually(t, "the wrong password is refused as such", func() bool {
				_, err := store.Now(t.Context())
				return err != nil && strings.Contains(err.Error(), "WRONGPASS")
			})
			password = "of the sentinel"
			if tt.user != "" {
				password = "of-the-sentinel"
			}
			waitUp(t, store)
		})
	}
}
