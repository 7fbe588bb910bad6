package session

// Reason says why a session ended, or why a login was refused. It is told to the
// client and written to the audit log, and that of an end is kept in the
// tombstone, so the values are part of the contract.
type Reason string

// Every way in which a session can end; package termination is where it does.
const (
	Logout            Reason = "logout"
	LogoutEverywhere  Reason = "logout_everywhere"
	Replaced          Reason = "replaced" // a new login in the same browser
	Evicted           Reason = "evicted"  // the user's oldest, when the cap was reached
	RevokedByUser     Reason = "revoked_by_user"
	RevokedByOperator Reason = "revoked_by_operator"
	Reused            Reason = "session_reused" // a retired handle outside its window: theft
	Idle              Reason = "idle"
	AbsoluteLifetime  Reason = "absolute"
	ProviderRefused   Reason = "provider_refused"
	BackChannelLogout Reason = "back_channel_logout"
	UserDisabled      Reason = "user_disabled"
	PasswordChanged   Reason = "password_changed" // of a local user, elsewhere
)

// Expiry reports whether time alone ended the session.
func (r Reason) Expiry() bool { return r == Idle || r == AbsoluteLifetime }

// Why a login is refused although the password may be right; see [CredentialsError].
const (
	EmailNotConfirmed Reason = "email_not_confirmed"
	AccountLocked     Reason = "account_locked" // for a time, or until somebody unlocks it
	AccountDisabled   Reason = "account_disabled"
	PasswordExpired   Reason = "password_expired"
	CaptchaRequired   Reason = "captcha_required"
)
