package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// seedRow accounts for one feature of the two tutorials the gateway was measured
// against: AuthX (AX) and the FastAPI article on refresh tokens (FT).
type seedRow struct {
	row   string
	what  string
	tests string // names, with spaces between: they prove it, or the part of it that is wanted
	not   string // what of it is not wanted, because …
}

// TestEverySeedRowIsAccountedFor: each row has a test that exists, or a reason
// why it is not wanted.
func TestEverySeedRowIsAccountedFor(t *testing.T) {
	tests := testNames(t)
	seen := make(map[string]bool)
	for _, r := range append(authxRows(), articleRows()...) {
		if seen[r.row] {
			t.Errorf("%s is there twice", r.row)
		}
		seen[r.row] = true
		named := strings.Fields(r.tests)
		if len(named) == 0 && r.not == "" {
			t.Errorf("%s (%s): neither a test nor a reason", r.row, r.what)
		}
		if r.not != "" && !strings.Contains(r.not, "because ") {
			t.Errorf("%s (%s): not wanted, without a because", r.row, r.what)
		}
		for _, name := range named {
			if !tests[name] {
				t.Errorf("%s (%s): there is no %s", r.row, r.what, name)
			}
		}
	}
	for prefix, last := range map[string]int{"AX": 34, "FT": 27} {
		for n := 1; n <= last; n++ {
			if row := fmt.Sprintf("%s-%02d", prefix, n); !seen[row] {
				t.Errorf("%s is missing", row)
			}
		}
	}
	if len(seen) != 34+27 {
		t.Errorf("%d rows, want 61", len(seen))
	}
}

// testNames reads every test and fuzz function of the repository.
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	names := make(map[string]bool)
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == ".git" || d.Name() == "testdata" || d.Name() == "node_modules") {
			return fs.SkipDir
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, decl := range file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if ok && f.Recv == nil && (strings.HasPrefix(f.Name.Name, "Test") || strings.HasPrefix(f.Name.Name, "Fuzz")) {
				names[f.Name.Name] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(names) < 100 {
		t.Fatalf("only %d tests found", len(names))
	}
	return names
}

func authxRows() []seedRow {
	return []seedRow{
		{"AX-01", "lifetimes of access and refresh tokens, never endless", "TestDefaultsGiveWay TestExpiredAccessToken TestExpiredRefreshToken TestMintRefuses", ""},
		{"AX-02", "signature algorithms", "TestRemoteKeysVerifyEveryAlgorithm TestVerifyAttacks", "HS384, HS512, PS* and ES256K for our own tokens, because EdDSA, ES256, RS256 and HS256 serve every verifier there is"},
		{"AX-03", "registered claims, and extra ones that cannot replace them", "TestMintedTokenGolden TestExtraClaimsCannotReplaceOurs", "a csrf claim and custom JWT headers, because no token reaches a browser and kid and typ are the headers that mean something"},
		{"AX-04", "issuer and audience", "TestVerifierNeedsIssuerAndAudience TestVerifyAttacks", ""},
		{"AX-05", "leeway for clocks", "TestLeeway TestClockSkew", ""},
		{"AX-06", "keys are rotated", "TestKeyRotation TestNewestKeyInForceSigns TestEveryKeyOpens", ""},
		{"AX-07", "asymmetric signatures", "TestJWKSHoldsPublicKeysOnly TestRemoteKeysVerifyEveryAlgorithm", ""},
		{"AX-08", "settings from the environment", "TestEnvironment TestSecretFiles", ""},
		{"AX-09", "where a token may stand", "TestExplicitTokenPlaces TestBearerNeverFallsBack TestMutatedCookies", "a choice per route of further places, because each place more is one more to guard"},
		{"AX-10", "header and scheme, read strictly", "FuzzBearerToken TestExplicitTokenPlaces", "another header or scheme for clients, because RFC 6750 names one"},
		{"AX-11", "separate access and refresh cookies", "", "two cookies, because one opaque handle does the work of both and no token is in it"},
		{"AX-12", "cookie attributes", "TestSignInCallRefreshSignOut TestMistakes", "Domain, SameSite=None, and switching Secure or HttpOnly off, because each gives the session away"},
		{"AX-13", "a cookie that ends with the browser", "TestIdleAndAbsolute", "a cookie without Max-Age, because browsers that restore their tabs restore it too: session.idle_timeout is what ends it"},
		{"AX-14", "defence against cross-site requests", "TestCrossOriginRefusals TestBounce", "a token in a readable cookie, because Fetch Metadata and Origin say more and change at no refresh"},
		{"AX-15", "names for tokens in query and body", "", "tokens in URLs and names to choose, because URLs end up in logs and a fixed contract needs no settings"},
		{"AX-16", "token pairs", "TestTutorialTranscript TestMintedTokenGolden", ""},
		{"AX-17", "set and clear cookies", "TestSignInCallRefreshSignOut TestUpstreamCannotTouchOurCookies", ""},
		{"AX-18", "guards: required, optional, by kind of token", "TestPermits TestRequire TestKindsOfClientDoNotMix TestRolesOfARoute TestBearerNeverFallsBack", ""},
		{"AX-19", "fresh tokens for sensitive acts", "TestRequire TestOIDCStepUp", ""},
		{"AX-20", "scopes: any, all, hierarchical", "TestPermits TestRequire", ""},
		{"AX-21", "implicit refresh, and its six traps", "TestSignInCallRefreshSignOut TestOneRefreshOverProcesses TestReuseEndsTheFamily TestIdleAndAbsolute TestSoftDueRefreshesInTheBackground", ""},
		{"AX-22", "explicit refresh, which revokes the old access token", "TestExplicitTokenPlaces TestExplicitOldAccessToken TestTokensAreNotForPages", ""},
		{"AX-23", "revoked tokens are refused on every request", "TestExplicitOldAccessToken TestBearerHitCostsNothing TestRevocationIsSeenEverywhere", ""},
		{"AX-24", "the user is loaded again", "TestUsersCommand TestUsersFromTheAppsDatabase", ""},
		{"AX-25", "errors of kinds, as JSON", "TestExplicitErrorsSayOneThing TestUpstreamFailures TestMutatedCookies", "messages to override, because code is for programs and an app words its own"},
		{"AX-26", "WebSockets, cut when the session ends", "TestStreaming TestWebSocket TestCutWebSocket TestExplicitStreamsEnd", "tokens in the query, because the cookie comes along with a handshake"},
		{"AX-27", "rate limits with a true Retry-After", "TestPasswordGuessingFromOneAddress TestRefreshLimit TestLimiterConformance TestManyAttemptsAtOnceAreCounted", "limits for the app's own routes, because they belong to the app or to the balancer"},
		{"AX-28", "sessions listed and ended by their owner only", "TestDevicesAreListed TestOneDeviceIsSignedOut TestAllDevicesAreSignedOut TestSessionsPerUser", ""},
		{"AX-29", "separate kinds of login", "TestKindsOfClientDoNotMix TestLabelsSeparate TestOIDCMixUp", ""},
		{"AX-30", "a policy engine", "TestPermits", "policies over attributes, because the app knows its objects and the gateway does not: routes require roles, scopes and a recent sign-in"},
		{"AX-31", "OpenAPI security schemes", "", "generated API documents, because the gateway has no API of the app's to describe"},
		{"AX-32", "signed links that expire", "", "a serializer, because links in mails are the app's and need no session"},
		{"AX-33", "Redis sessions, metrics, profiler", "TestStoreConformance TestRecordRoundTrip TestNoSecretEverShows", "an HTTP cache, because that is another product's work"},
		{"AX-34", "sign out here, and everywhere", "TestSignInCallRefreshSignOut TestAllDevicesAreSignedOut TestTutorialTranscript", ""},
	}
}

func articleRows() []seedRow {
	return []seedRow{
		{"FT-01", "sign-in answers a pair, or one 401 for every mistake", "TestTutorialTranscript TestUnknownUserAndWrongPasswordAreOneAnswer", ""},
		{"FT-02", "password hashing, bcrypt included", "TestVerify TestHash TestLoginRehashes TestDatabase", ""},
		{"FT-03", "access tokens are JWTs and stored nowhere else", "TestMintedTokenGolden TestExpiredAccessToken", ""},
		{"FT-04", "wrong kind, no subject, bad signature, unknown user", "TestVerifyAttacks TestKindsOfClientDoNotMix TestBearerRefusals", ""},
		{"FT-05", "opaque refresh tokens", "TestTutorialTranscript TestHandleRoundTrip TestMutatedCookies", ""},
		{"FT-06", "nothing stored can be presented", "TestEveryChangedCharacterIsRefused TestExplicitLogoutNeedsTheSecret TestFieldOpensOnlyInItsPlace", ""},
		{"FT-07", "what a session's record holds", "TestRecordRoundTrip TestDevicesAreListed", ""},
		{"FT-08", "causes told apart, in the log only", "TestExplicitErrorsSayOneThing", ""},
		{"FT-09", "a refresh rotates, and the old token is 401", "TestTutorialTranscript TestExplicitParallelRefresh TestExplicitReuse", ""},
		{"FT-10", "a disabled user stops at the next refresh", "TestUsersCommand TestUsersFromTheAppsDatabase", ""},
		{"FT-11", "logout, which needs the secret", "TestTutorialTranscript TestExplicitLogoutNeedsTheSecret", ""},
		{"FT-12", "who am I", "TestTutorialBehindTheGateway TestSessionDocument", ""},
		{"FT-13", "roles: 403", "TestTutorialAdmin TestRolesOfARoute TestPermits", ""},
		{"FT-14", "rotation is one step", "TestFamilyTable TestStoreConformance", ""},
		{"FT-15", "no token in the page; refresh on start or 401", "TestSignInCallRefreshSignOut TestDemoInChromium TestNoSecretEverShows", ""},
		{"FT-16", "short access tokens", "TestDefaultsGiveWay TestExpiredAccessToken", ""},
		{"FT-17", "small claims", "TestMintLeavesOutWhatIsEmpty TestMintedTokenGolden", ""},
		{"FT-18", "secrets from outside, never defaults", "TestSecretFiles TestPoorKeysAreRefused TestWorldReadableFilesAreRefused", ""},
		{"FT-19", "rate limits by address and user name", "TestPasswordGuessingFromOneAddress TestGuessingFromManyAddresses TestRefreshLimit", ""},
		{"FT-20", "HTTPS everywhere", "TestMistakes TestSignInCallRefreshSignOut", "HSTS, because it speaks for the whole host, which is the app's or the balancer's to do"},
		{"FT-21", "reuse of a rotated token ends the family", "TestReuseEndsTheFamily TestExplicitReuse TestFamilyTable", ""},
		{"FT-22", "CORS with cookies", "TestCrossOriginRefusals", ""},
		{"FT-23", "expiry is tested", "TestExpiredAccessToken TestExpiredRefreshToken TestClockSkew TestIdleAndAbsolute TestReplicasWithWrongClocks", ""},
		{"FT-24", "devices", "TestDevicesAreListed TestOneDeviceIsSignedOut TestExplicitDevices", ""},
		{"FT-25", "users in a database, sessions in a store", "TestDatabase TestUsersFromTheAppsDatabase TestStoreConformance", ""},
		{"FT-26", "roles and permissions per route", "TestPermits TestRequire TestRolesOfARoute", ""},
		{"FT-27", "structured logs of every act, without secrets", "TestNoSecretEverShows TestFailedLoginsAreNotWrittenDown TestExplicitErrorsSayOneThing", ""},
	}
}
