package redisstore_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"sessiongate/session"
	"sessiongate/session/redisstore"
	"sessiongate/session/storetest"
	"sessiongate/session/testserver"
)

// TestRotationTable drives the decision table in Go and the one in Lua through the
// same cases, and compares verdicts and what they leave behind.
func TestRotationTable(t *testing.T) {
	for name, open := range map[string]func(t *testing.T) redisstore.Options{
		"embedded":   func(t *testing.T) redisstore.Options { return embedded(t) },
		"real Redis": func(t *testing.T) redisstore.Options { return standalone(testserver.Redis(t)) },
	} {
		t.Run(name, func(t *testing.T) {
			server := open(t)
			server.Timeout = time.Minute // many cases per script, and the race detector
			store := newStore(t, server)
			cases := tableCases()
			t.Logf("%d cases", len(cases))
			seen, notModified := make(map[session.Outcome]int), 0
			for len(cases) > 0 {
				n := min(len(cases), 250)
				for i, got := range judge(t, store, cases[:n]) {
					want := cases[i].expect()
					seen[want.verdict.Outcome]++
					if got.verdict.Outcome == outcomeNotModified && want.verdict.Outcome == session.OutcomeCurrent && want.verdict.Due == session.NotDue {
						got.verdict = want.verdict
						notModified++
					}
					if got != want {
						t.Fatalf("case %+v\n lua %+v\n  go %+v", cases[i], got, want)
					}
				}
				cases = cases[n:]
			}
			if notModified == 0 {
				t.Error("no case was answered with =: not modified")
			}
			for _, outcome := range []session.Outcome{1, 2, 3, 5, 6, 7, 8, 9, 10, 11} {
				if seen[outcome] == 0 {
					t.Errorf("no case reached outcome %d", outcome)
				}
			}
			t.Logf("cases by outcome: %v, %d of them not modified", seen, notModified)
		})
	}
}

// tableCase is one cell of the table. The current generation is tableGeneration.
type tableCase struct {
	facts     session.State
	presented session.Presentation
	rules     session.Rules
	known     bool // the presented says what it knows, and it is what the store has
}

// outcomeNotModified stands for the answer that nothing has changed.
const outcomeNotModified session.Outcome = 255

// outcome is a verdict and the state after it.
type outcome struct {
	verdict            session.Verdict
	why                string // of a tombstone
	generation         uint32
	rotated, acked     int64
	late, recovered    uint32
	strike, lastSeen   int64
	record, stateThere bool
}

const (
	tableGeneration = 1000
	tableNow        = int64(1_800_000_000_000)
	tableGrace      = 30 * time.Second
)

func tableRules(explicitGrace time.Duration) session.Rules {
	return session.Rules{Idle: 12 * time.Hour, TokenClientGrace: explicitGrace}
}

func ago(d time.Duration) time.Time { return time.UnixMilli(tableNow).UTC().Add(-d) }

// window is when the current generation was made and first seen.
type window struct{ rotated, acked time.Duration }

const never = time.Duration(-1 << 62)

func at(d time.Duration) time.Time {
	if d == never {
		return time.Time{}
	}
	return ago(d)
}

func tableCases() []tableCase {
	var cases []tableCase
	for _, base := range tableFacts() {
		for _, step := range []int{-100, -3, -2, -1, 0, 1, 2, 3, 100} {
			for _, v := range tableVisits() {
				v.Generation = uint32(tableGeneration + step)
				if v.Kind == session.TokenClient && base.Recovered != 0 || redundant(base, step, v) {
					continue
				}
				rules := tableRules(0)
				cases = append(cases, tableCase{base, v, rules, false})
				if step >= -1 && step <= 1 && v.Marked.IsZero() {
					cases = append(cases, tableCase{base, v, rules, true})
				}
				if v.Kind == session.TokenClient && step == -1 {
					cases = append(cases, tableCase{base, v, tableRules(tableGrace), false})
				}
				if step == -1 && !v.Marked.IsZero() {
					brief := rules
					brief.Idle = 30 * time.Minute // shorter than a recovery reaches
					cases = append(cases, tableCase{base, v, brief, false})
				}
			}
		}
	}
	return cases
}

// redundant leaves out what differs from other cases only in a way that the table
// does not look at.
func redundant(f session.State, step int, v session.Presentation) bool {
	due := !f.HardAt.After(ago(0)) || !f.SoftAt.After(ago(0))
	switch {
	case !v.Marked.IsZero() && v.Marked != ago(time.Second) && (step >= 0 || v.Touch || v.Kind == session.TokenClient):
		return true // how old a mark is matters to retired cookies only
	case (step < -2 || step > 1) && (notes{f.Late, f.Recovered}.leftOver() || due):
		return true
	}
	return step < -2 && v.Force
}

// notes are what is noted of the current generation, or left over of another.
type notes struct{ late, recovered uint32 }

func tableNotes() []notes {
	const g = tableGeneration
	return []notes{
		{0, 0}, {g, 0}, {0, g - 2}, {g, g - 2}, // and left over:
		{g - 1, 0}, {0, g - 3}, {0, g - 1}, {g - 1, g - 3},
	}
}

func (n notes) leftOver() bool {
	return n.late != 0 && n.late != tableGeneration || n.recovered != 0 && n.recovered != tableGeneration-2
}

// tableFacts are the states a session can be in. The exact edges are among them:
// Redis and Go must agree on <= and < as well.
func tableFacts() []session.State {
	windows := []window{
		{10 * time.Second, never},
		{2 * time.Minute, never},
		{12 * time.Hour, never},
		{12*time.Hour + time.Millisecond, never},
		{10 * time.Second, 5 * time.Second},
		{2 * time.Minute, tableGrace},
		{2 * time.Minute, tableGrace + time.Millisecond},
		{2 * tableGrace, time.Minute},
		{session.LateAfter + time.Millisecond, 40 * time.Second},
		{2*tableGrace - time.Millisecond, 40 * time.Second},
		{2 * time.Hour, 30 * time.Minute},
		{2 * time.Hour, 30*time.Minute + time.Millisecond},
		{2 * time.Hour, time.Hour},
		{2 * time.Hour, time.Hour + time.Millisecond},
		{time.Hour, 2 * time.Hour},       // the clock went back between the two
		{-5 * time.Second, -time.Second}, // the clock went back
		{never, never},
	}
	live := session.State{
		Found: true, Generation: tableGeneration, BrowserClass: "same", TokensHash: "hash", Grace: tableGrace,
		LastSeen: ago(time.Minute), Absolute: ago(-time.Hour),
	}
	var all []session.State
	for _, w := range windows {
		for _, n := range tableNotes() {
			for due := range 3 {
				f := live
				f.RotatedAt, f.AckedAt, f.Late, f.Recovered = at(w.rotated), at(w.acked), n.late, n.recovered
				f.SoftAt, f.HardAt = ago(-time.Hour), ago(-2*time.Hour)
				if due > 0 {
					f.SoftAt = ago(0)
				}
				if due > 1 {
					f.HardAt = ago(0)
				}
				if due == 0 || !n.leftOver() {
					all = append(all, f)
				}
			}
		}
	}
	return append(all, endedFacts(all[0])...)
}

func endedFacts(live session.State) []session.State {
	gone, dead := session.State{}, session.State{Found: true, Ended: session.Logout}
	idle, barely, old, forced, long, noted := live, live, live, live, live, live
	ahead, used := live, live // the clock went back
	ahead.ForcedAt = ago(-time.Hour)
	used.LastSeen = ago(-time.Hour)
	idle.LastSeen = ago(12 * time.Hour)
	barely.LastSeen = ago(12*time.Hour - time.Millisecond)
	old.Absolute = ago(0)
	forced.ForcedAt = ago(10*time.Second - time.Millisecond)
	long.ForcedAt = ago(10 * time.Second)
	noted.LastSeen = ago(time.Second)
	return []session.State{gone, dead, idle, barely, old, forced, long, noted, ahead, used}
}

func tableVisits() []session.Presentation {
	var all []session.Presentation
	for _, kind := range []session.Kind{session.Browser, session.TokenClient} {
		for _, class := range []string{"same", "other"} {
			for _, force := range []struct {
				force bool
				seen  string
			}{{false, ""}, {true, ""}, {true, "hash"}, {true, "older"}} {
				for _, touch := range []bool{false, true} {
					if touch && force.force {
						continue // independent of each other
					}
					v := session.Presentation{
						Kind: kind, BrowserClass: class, Force: force.force, IfTokens: force.seen, Touch: touch,
					}
					all = append(all, v)
					if force.force {
						continue
					}
					for _, marked := range []time.Duration{
						0, time.Second, session.MarkLife, session.MarkLife + time.Millisecond, -time.Millisecond,
					} {
						v.Marked = ago(marked)
						all = append(all, v)
					}
				}
			}
		}
	}
	return all
}

// expect is the table in Go, with the effects that each row has.
func (c tableCase) expect() outcome {
	f, now := c.facts, time.UnixMilli(tableNow).UTC()
	v := storetest.Decide(f, c.presented, c.rules, now)
	out := outcome{verdict: v, why: string(f.Ended), stateThere: f.Found}
	if v.Outcome <= session.OutcomeEnded {
		return out
	}
	if v.Reason != "" {
		out.why = string(v.Reason)
		return out
	}
	strike := c.strike()
	for _, t := range []*time.Time{&f.RotatedAt, &f.AckedAt, &f.LastSeen} {
		if t.After(now) {
			*t = now // mended, see ahead() in rotation.lua
		}
	}
	if v.StoreLostWrites {
		f.Generation, f.RotatedAt, f.AckedAt, f.Late, f.Recovered, strike = c.presented.Generation, now, now, 0, 0, 0
	}
	if v.Outcome == session.OutcomeRecover {
		f.Generation, f.RotatedAt, f.AckedAt, f.Late, f.Recovered, strike = f.Generation+1, now, time.Time{}, 0, c.presented.Generation, 0
	}
	if v.Outcome == session.OutcomeCurrent || v.Outcome == session.OutcomeRefresh {
		if f.AckedAt.IsZero() {
			f.AckedAt = now
		}
		if now.Sub(f.RotatedAt) > session.LateAfter {
			f.Late = f.Generation
		}
	}
	if v.Live() && c.presented.Touch && now.Sub(f.LastSeen) >= time.Minute {
		f.LastSeen = now
	}
	out.generation, out.record = f.Generation, true
	out.rotated, out.acked = ms(f.RotatedAt), ms(f.AckedAt)
	out.late, out.recovered = f.Late, f.Recovered
	out.strike, out.lastSeen = strike, ms(f.LastSeen)
	return out
}

// strike is a field that replicas of a former version leave behind. It means nothing
// to us, and must go with its generation, for they would take it for the next one's.
func (c tableCase) strike() int64 {
	if c.facts.Late == 0 {
		return 0
	}
	return ms(ago(time.Minute))
}

// until is how long the answer that is known holds.
func (c tableCase) until() int64 {
	f := c.facts
	until := min(ms(f.SoftAt), ms(f.HardAt), ms(f.Absolute))
	if late := f.LateSince(); !late.IsZero() {
		until = min(until, ms(late))
	}
	return until
}

func ms(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// tableLua runs the real script once per case, on a clock that stands still.
// The locals hide the globals of the same name from it.
const tableLua = `
local real, argv = redis, ARGV
local redis = { call = function(name, ...)
  if name == 'TIME' then return { '1800000000', '0' } end
  if name == 'PUBLISH' then return 0 end
  return real.call(name, ...)
end }
local function judge(KEYS, ARGV)
%s
end
local out, at = {}, 1
for i = 1, #KEYS, 2 do
  local keys = { KEYS[i], KEYS[i + 1] }
  local fields = tonumber(argv[at])
  local state = {}
  for j = at + 1, at + 2 * fields, 2 do
    local given = argv[j + 1] ~= '0'
    if given then state[#state + 1] = argv[j] state[#state + 1] = argv[j + 1] end;
  end
  if fields > 0 then real.call('HSET', keys[1], unpack(state)) end
  at = at + 1 + 2 * fields
  if real.call('HEXISTS', keys[1], 'g') == 1 then real.call('SET', keys[2], 'blob') end
  local args = {}
  for j = 1, 13 do args[j] = argv[at + j - 1] end
  at = at + 13
  local reply = {}
  for field in string.gmatch(string.match(judge(keys, args), '^[^\n]*') .. ',', '([^,]*),') do reply[#reply + 1] = field end
  local after = real.call('HMGET', keys[1], 'why', 'g', 'ra', 'aa', 'la', 'rp', 'sk', 'ls')
  if string.sub(reply[1], 1, 1) == '=' then reply = { reply[1], '', '', '', '', '' } end
  out[#out + 1] = { reply[1], reply[2], reply[3], reply[4], reply[5], reply[6],
    after[1] or '', after[2] or '0', after[3] or '0', after[4] or '0', after[5] or '0', after[6] or '0',
    after[7] or '0', after[8] or '0', real.call('EXISTS', keys[2]), real.call('EXISTS', keys[1]) }
  real.call('DEL', keys[1], keys[2]) -- many keys with an expiry make miniredis slow
end
return out`

func judge(t *testing.T, store *redisstore.Store, cases []tableCase) []outcome {
	t.Helper()
	var keys []string
	var args []any
	for i, c := range cases {
		id := "sg:{" + strconv.Itoa(i) + "}"
		keys = append(keys, id+":s", id+":t")
		args = append(args, c.state()...)
		args = append(args, c.arguments()...)
	}
	script := fmt.Sprintf(tableLua, redisstore.ResolveLua())
	reply, err := store.Client().Eval(context.Background(), script, keys, args...).Slice()
	if err != nil {
		t.Fatal(err)
	}
	out := make([]outcome, len(reply))
	for i, r := range reply {
		out[i] = readOutcome(r.([]any))
	}
	return out
}

// state is the session as the store would have written it: pairs after their number.
func (c tableCase) state() []any {
	f := c.facts
	switch {
	case !f.Found:
		return []any{0}
	case f.Ended != "":
		return []any{1, "why", string(f.Ended)}
	}
	return []any{
		14, "g", f.Generation, "ra", ms(f.RotatedAt), "aa", ms(f.AckedAt), "la", f.Late, "rp", f.Recovered, "sk", c.strike(),
		"fo", ms(f.ForcedAt), "b", f.BrowserClass, "ls", ms(f.LastSeen), "ab", ms(f.Absolute), "so", ms(f.SoftAt),
		"ha", ms(f.HardAt), "gr", f.Grace.Milliseconds(), "st", f.TokensHash,
	}
}

func (c tableCase) arguments() []any {
	v, r := c.presented, c.rules
	bit := func(b bool) int {
		if b {
			return 1
		}
		return 0
	}
	known, until := "", ""
	if c.known {
		f := c.facts
		known = fmt.Sprintf("%d,%d,blob", f.Generation, ms(f.AckedAt))
		until = fmt.Sprint(c.until())
	}
	return []any{
		v.Generation, bit(v.Kind == session.TokenClient), v.BrowserClass, bit(v.Touch), bit(v.Force), v.IfTokens,
		r.Idle.Milliseconds(), r.UnackedTTL().Milliseconds(), r.TokenClientGrace.Milliseconds(), known, until, ms(v.Marked), 0,
	}
}

func readOutcome(r []any) outcome {
	num := func(i int) int64 {
		if n, ok := r[i].(int64); ok {
			return n
		}
		n, _ := strconv.ParseInt(r[i].(string), 10, 64)
		return n
	}
	row := outcomeNotModified
	if !strings.HasPrefix(r[0].(string), "=") {
		row = session.Outcome(num(0))
	}
	return outcome{
		verdict: session.Verdict{
			Outcome: row, StoreLostWrites: num(1) == 1, Due: session.Due(num(2)), Rotate: num(3) == 1,
			Forced: num(4) == 1, Reason: session.Reason(r[5].(string)),
		},
		why: r[6].(string), generation: uint32(num(7)), rotated: num(8), acked: num(9),
		late: uint32(num(10)), recovered: uint32(num(11)), strike: num(12), lastSeen: num(13),
		record: num(14) == 1, stateThere: num(15) == 1,
	}
}
