package session

import "time"

// EventType names a security act or an alarm.
type EventType string

// The events. Each is one line in the audit log and one counter.
const (
	EventLogin           EventType = "login"
	EventLoginFailed     EventType = "login_failed"
	EventLoginStep       EventType = "login_step_required" // the provider wants a further field, such as a one-time code
	EventLimited         EventType = "rate_limited"        // Limit says which rate
	EventGuessing        EventType = "guessing"            // at one user name, from many addresses
	EventRefreshed       EventType = "refreshed"
	EventRotated         EventType = "rotated"
	EventConverged       EventType = "converged"
	EventStale           EventType = "stale_handle"
	EventRetired         EventType = "retired_handle"    // a stale one outside every window: late, lost or stolen
	EventRecovered       EventType = "session_recovered" // Device and Client are the two that may be one
	EventReuse           EventType = "reuse_detected"
	EventEnded           EventType = "session_ended"
	EventProviderRefused EventType = "provider_refused"
	EventProviderFault   EventType = "provider_fault"
	EventMisconfigured   EventType = "provider_misconfigured"
	EventSubjectChanged  EventType = "subject_changed"
	EventClaimsLeftOut   EventType = "claims_left_out" // the provider sent no roles, because there are too many
	EventRolledBack      EventType = "store_rolled_back"
	EventStoreFault      EventType = "store_fault"
	EventUnsealable      EventType = "unsealable_record"

	// What a store that forgets leaves in the log.
	EventStoreChanged EventType = "store_changed"   // another Redis answers, or it started again
	EventRewritten    EventType = "store_rewritten" // a session was written again
	EventStoreForgot  EventType = "store_forgot"    // a session is older in the store than we know
	EventStoreSplit   EventType = "store_split"     // two states with one number: the stored one stays
	EventJournalFull  EventType = "journal_full"    // an entry was dropped before its time
)

// LimitOfProvider is the [Event.Limit] of a provider that bounds sign-ins itself.
const LimitOfProvider = "provider"

// Security reports whether the event is a sign of theft or abuse.
func (t EventType) Security() bool {
	return t == EventReuse || t == EventRecovered || t == EventSubjectChanged || t == EventGuessing
}

// Event is one thing worth recording. It never holds a secret: Err comes from
// errors that redact. A failed login does not say what was typed as the user
// name, since people type their password there; only a name that was tried many
// times from many addresses is named, so that the operator can help its user.
type Event struct {
	Type     EventType
	Time     time.Time
	ID       ID
	Subject  string
	Provider string
	Reason   Reason
	Limit    string // EventLimited: the rate, in the words of the configuration, or LimitOfProvider
	Username string // EventGuessing: the name tried
	Via      string // EventLogin: the path of the API whose answer began the session; empty: the gateway asked itself
	Err      error
	Client   Client
	Device   Device // EventRecovered: the browser that signed in
}

// Client describes who sent the request an event belongs to; zero for
// background work.
type Client struct {
	IP        string
	UserAgent string
	RequestID string
}

// Recorder receives events: the audit log and the metrics. Record must not
// block and is safe for concurrent use.
type Recorder interface {
	Record(e Event)
}

// EventRefreshRefused is a refresh of a token client that was answered 401. Err says
// why, in more words than the client gets.
const EventRefreshRefused EventType = "refresh_refused"

// EventRefusalsSuspended is a refusal that was taken for a fault because most
// refreshes of the provider are refused. It needs the operator's eye.
const EventRefusalsSuspended EventType = "refusals_suspended"

// EventClockStep is the store's clock having moved against this process's: it was
// set, or another server answers now. Nobody is signed out by that, but tokens are
// refreshed before their time and deadlines shift: it needs the operator's eye.
const EventClockStep EventType = "clock_step"
