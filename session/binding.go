package session

import "strings"

// BrowserClass reduces a User-Agent to browser family and platform, without
// versions: browsers update under a live session. It gates the window in which
// a retired handle is forgiven and proves nothing by itself.
func BrowserClass(userAgent string) string {
	return digest("binding", family(userAgent), platform(userAgent))[:11]
}

// family names the browser. Order matters: nearly every browser also claims to
// be Chrome, Safari and Mozilla.
func family(ua string) string {
	for _, f := range [...]struct{ mark, name string }{
		{"Edg", "edge"},
		{"OPR/", "opera"},
		{"Opera", "opera"},
		{"SamsungBrowser", "samsung"},
		{"Vivaldi", "vivaldi"},
		{"Firefox", "firefox"},
		{"FxiOS", "firefox"},
		{"CriOS", "chrome"},
		{"Chromium", "chrome"},
		{"Chrome", "chrome"},
		{"Safari", "safari"},
	} {
		if strings.Contains(ua, f.mark) {
			return f.name
		}
	}
	// Not a browser: the product token before the version, such as "curl".
	product, _, _ := strings.Cut(ua, "/")
	product, _, _ = strings.Cut(product, " ")
	return strings.ToLower(product[:min(len(product), 32)])
}

func platform(ua string) string {
	for _, p := range [...]struct{ mark, name string }{
		{"Android", "android"},
		{"iPhone", "ios"},
		{"iPad", "ios"},
		{"Windows", "windows"},
		{"Macintosh", "macos"},
		{"CrOS", "chromeos"},
		{"Linux", "linux"},
	} {
		if strings.Contains(ua, p.mark) {
			return p.name
		}
	}
	return ""
}
