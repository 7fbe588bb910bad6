package session_test

import (
	"slices"
	"strings"
	"testing"
	"unicode"

	"sessiongate/session"
)

// hostileText is what a client may send in the hope that whoever reads it believes it.
func hostileText() []string {
	return []string{
		"line\nlevel=INFO msg=login subject=root", "cr\r\n{\"level\":\"INFO\"}", `","msg":"login"`,
		"\x1b[2J\x1b[31mred", "c1 \u009b31m", "\u202egnp.exe", "sep\u2028line\u2029end", "nul\x00", "bad\xff\xfeutf8", "tab\tbed",
		strings.Repeat("A", 5000),
	}
}

func FuzzDeviceName(f *testing.F) {
	for _, text := range hostileText() {
		f.Add(text, "")
		f.Add("", text)
	}
	f.Add("", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36")
	f.Fuzz(func(t *testing.T, name, agent string) {
		got := session.DeviceName(session.Device{Name: name, UserAgent: agent})
		if got == "" || len([]rune(got)) > 80 || strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("%q", got)
		}
	})
}

// agents are User-Agents, the device's name that each gives, and its class, which is stored with
// sessions: another value would sign browsers out after an upgrade.
func agents() []struct{ agent, name, class string } {
	return []struct{ agent, name, class string }{
		{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36", "Chrome on Windows", "csKze9DfG3t"},
		{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0", "Edge on Windows", "cduIQrZ1ZCI"},
		{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 OPR/120.0.0.0", "Opera on Windows", "w-XxCoNDrrP"},
		{"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux", "nZbxecJqWtv"},
		{"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36", "Chrome on ChromeOS", "n0onVTOzXuA"},
		{"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15", "Safari on macOS", "BKP2NHAx9LF"},
		{"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1", "Safari on iOS", "xXI9W8vpHFY"},
		{"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/140.0 Mobile/15E148 Safari/604.1", "Chrome on iOS", "Az9vTWjBqu0"},
		{"Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36", "Chrome on Android", "9FbCzdy2Sbt"},
		{"Mozilla/5.0 (Linux; Android 15; SM-S931B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36", "Samsung Browser on Android", "jO5sGuPuGoQ"},
		{"Mozilla/5.0 (Windows NT 10.0; Win64; x64)", "A browser on Windows", "6VPh83cYHHg"},
		{"curl/8.5.0", "curl", "0UVSK4Hldpc"},
		{"PostmanRuntime/7.40", "PostmanRuntime", "saxYpAnCMKK"},
		{"", "Unknown device", "T0dQuLkErSb"},
	}
}

func TestUserAgents(t *testing.T) {
	for _, row := range agents() {
		if got := session.DeviceName(session.Device{UserAgent: row.agent}); got != row.name {
			t.Errorf("%q: %q, want %q", row.agent, got, row.name)
		}
		if got := session.BrowserClass(row.agent); got != row.class {
			t.Errorf("%q: class %q, want %q", row.agent, got, row.class)
		}
	}
	if got := session.DeviceName(session.Device{Name: "My phone", UserAgent: "curl/8"}); got != "My phone" {
		t.Errorf("given name: %q", got)
	}
}

func TestBinding(t *testing.T) {
	same := [][2]string{
		{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36", "Mozilla/5.0 (Windows NT 11.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.1.2 Safari/537.36"},
		{"Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0", "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0"},
		{"curl/8.1", "curl/8.9.1"},
		{"", ""},
	}
	for _, c := range same {
		if session.BrowserClass(c[0]) != session.BrowserClass(c[1]) {
			t.Errorf("an update changes the binding: %q", c)
		}
	}
	var all []string
	for _, ua := range []string{
		same[0][0], same[1][0], "curl/8.1", "",
		"Mozilla/5.0 (X11; Linux x86_64) Chrome/140 Safari/537.36", "Mozilla/5.0 (X11; Linux x86_64) Chrome/140 Safari/537.36 Edg/140",
		"Mozilla/5.0 (Linux; Android 14) Chrome/140 Mobile Safari/537.36", "Mozilla/5.0 (Macintosh) Version/17 Safari/605",
		"Mozilla/5.0 (iPhone) CriOS/140 Safari/604", "Mozilla/5.0 (iPhone) FxiOS/130 Safari/604",
	} {
		all = append(all, session.BrowserClass(ua))
	}
	slices.Sort(all)
	if n := len(all); len(slices.Compact(all)) != n {
		t.Error("two browsers share a binding")
	}
}
