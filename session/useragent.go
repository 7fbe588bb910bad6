package session

import "strings"

// BrowserClass reduces a User-Agent to browser family and platform, without
// versions: browsers update under a live session. It gates the window in which
// a retired handle is forgiven and proves nothing by itself.
func BrowserClass(userAgent string) string {
	return Digest("binding", browserOf(userAgent).class, platformOf(userAgent).class)[:11]
}

// maxDeviceName bounds a device's name, in characters.
const maxDeviceName = 64

// DeviceParts are what a device is known by. All is plain text of unknown origin, and may be empty.
type DeviceParts struct {
	Name    string // given at sign-in
	Browser string // by the User-Agent, as System
	System  string
}

// PartsOf finds out what a device is known by.
func PartsOf(d Device) DeviceParts {
	return DeviceParts{
		Name:    PlainText(strings.TrimSpace(d.Name), maxDeviceName),
		Browser: PlainText(browserOf(d.UserAgent).name, 32), System: platformOf(d.UserAgent).name,
	}
}

// DeviceName is what a person knows a device by: the name given at sign-in, or
// browser and system by the User-Agent. It is plain text of unknown origin, and
// never empty.
func DeviceName(d Device) string {
	parts := PartsOf(d)
	browser, system := parts.Browser, parts.System
	switch {
	case parts.Name != "":
		return parts.Name
	case browser != "" && system != "":
		return browser + " on " + system
	case browser != "":
		return browser
	case system != "":
		return "A browser on " + system
	}
	return "Unknown device"
}

// product is a browser or a system: the text that shows it in a User-Agent, its
// constant in [BrowserClass] (stored with sessions, so it never changes), and the
// name people use.
type product struct{ mark, class, name string }

// browserOf finds the browser. Order matters: nearly every browser also claims to
// be Chrome, Safari and Mozilla.
func browserOf(ua string) product {
	for _, p := range [...]product{
		{"Edg", "edge", "Edge"},
		{"OPR/", "opera", "Opera"},
		{"Opera", "opera", "Opera"},
		{"SamsungBrowser", "samsung", "Samsung Browser"},
		{"Vivaldi", "vivaldi", "Vivaldi"},
		{"Firefox", "firefox", "Firefox"},
		{"FxiOS", "firefox", "Firefox"},
		{"CriOS", "chrome", "Chrome"},
		{"Chromium", "chrome", "Chromium"},
		{"Chrome", "chrome", "Chrome"},
		{"Safari", "safari", "Safari"},
	} {
		if strings.Contains(ua, p.mark) {
			return p
		}
	}
	// Not a browser: the product token before the version, such as "curl".
	token, _, _ := strings.Cut(ua, "/")
	token, _, _ = strings.Cut(token, " ")
	p := product{class: strings.ToLower(token[:min(len(token), 32)]), name: token}
	if token == "Mozilla" {
		p.name = "" // nearly everybody says so
	}
	return p
}

func platformOf(ua string) product {
	for _, p := range [...]product{
		{"Android", "android", "Android"},
		{"iPhone", "ios", "iOS"},
		{"iPad", "ios", "iOS"},
		{"Windows", "windows", "Windows"},
		{"Macintosh", "macos", "macOS"},
		{"CrOS", "chromeos", "ChromeOS"},
		{"Linux", "linux", "Linux"},
	} {
		if strings.Contains(ua, p.mark) {
			return p
		}
	}
	return product{}
}
