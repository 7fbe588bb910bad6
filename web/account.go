package web

import (
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// AccountPage lists the devices a person is signed in on.
type AccountPage struct {
	User     string // as they know themselves
	Action   string // path the forms post to: end=ID or end=others, and confirm=yes after the question
	Endpoint string // path of the list: DELETE Endpoint/ID ends one, DELETE Endpoint?keep=current all others
	Events   string // path of the event stream
	Logout   string // path of the sign-out page
	Devices  []Device
	Back     string    // path
	Done     string    // what was just done: one, others; empty: nothing
	Now      time.Time // that times are told from
}

// Device is one entry of an [AccountPage].
type Device struct {
	ID       string // public session ID
	Name     string // as it was named at the sign-in; empty: by Browser and System
	Browser  string // such as "Chrome"; may be empty
	System   string // such as "Windows"; may be empty
	Network  string // the network it came from, an IP prefix; empty: not shown
	Provider string // what people call where they signed in; empty: not shown
	Current  bool   // the one that looks at the page
	SignedIn time.Time
	LastSeen time.Time
}

// Others counts the devices besides the current one.
func (p AccountPage) Others() int {
	n := 0
	for _, d := range p.Devices {
		if !d.Current {
			n++
		}
	}
	return n
}

// ConfirmPage asks before other devices are signed out, in browsers without scripts.
type ConfirmPage struct {
	Account AccountPage
	End     string // the id of one of its devices, or others
}

// deviceView is a device in the words of the page.
type deviceView struct {
	Device
	Title, Active, Since, Place string
}

// Account writes the devices page. It needs no script: with one, a click saves a page.
func (e *Edition) Account(w io.Writer, page AccountPage) error {
	return e.render(w, "account", struct {
		AccountPage
		List []deviceView
		Said string
	}{page, speech{e.language}.views(page), speech{e.language}.doneText(page.Done)})
}

// ConfirmEnd writes the question before other devices are signed out. Of a device that is not there
// it asks nothing and returns false.
func (e *Edition) ConfirmEnd(w io.Writer, page ConfirmPage) (bool, error) {
	view := struct {
		ConfirmPage
		Title, Text string
	}{ConfirmPage: page}
	if page.End == "others" {
		view.Title = e.Text("account.confirm_others", nil)
		view.Text = e.Text("account.confirm_others_text", Args{"n": page.Account.Others()})
		return true, e.render(w, "confirm", view)
	}
	for _, d := range (speech{e.language}).views(page.Account) {
		if d.ID == page.End && !d.Current {
			view.Title = e.Text("account.confirm_one", Args{"device": d.Title})
			view.Text = e.Text("account.confirm_one_text", nil)
			return true, e.render(w, "confirm", view)
		}
	}
	return false, nil
}

func (e speech) doneText(done string) string {
	switch done {
	case "one":
		return e.Text("account.ended_one", nil)
	case "others":
		return e.Text("account.ended_others", nil)
	}
	return ""
}

// views puts this device first and numbers those of one name.
func (e speech) views(page AccountPage) []deviceView {
	list := make([]deviceView, 0, len(page.Devices))
	count := make(map[string]int)
	for _, d := range page.Devices {
		v := deviceView{Device: d, Title: e.deviceName(d), Active: e.active(page.Now.Sub(d.LastSeen)), Place: e.network(d.Network)}
		v.Since = e.since(d, page.Now)
		count[v.Title]++
		list = append(list, v)
	}
	slices.SortStableFunc(list, func(a, b deviceView) int {
		switch {
		case a.Current == b.Current:
			return 0
		case a.Current:
			return -1
		}
		return 1
	})
	seen := make(map[string]int)
	for i := range list {
		name := list[i].Title
		if count[name] < 2 {
			continue
		}
		seen[name]++
		list[i].Title = e.Text("account.numbered", Args{"device": name, "number": seen[name]})
	}
	return list
}

func (e speech) deviceName(d Device) string {
	switch {
	case d.Name != "":
		return d.Name
	case d.Browser != "" && d.System != "":
		return e.Text("account.device", Args{"browser": d.Browser, "system": d.System})
	case d.Browser != "":
		return d.Browser
	case d.System != "":
		return e.Text("account.device_system", Args{"system": d.System})
	}
	return e.Text("account.unknown_device", nil)
}

// active says how long ago a device was used. Replicas and the store may disagree about the
// time a little: what lies ahead is now.
func (e speech) active(ago time.Duration) string {
	key, n := "ago.days", int(ago/(24*time.Hour))
	switch {
	case ago < time.Minute:
		return e.Text("account.active_now", nil)
	case ago < time.Hour:
		key, n = "ago.minutes", int(ago/time.Minute)
	case ago < 24*time.Hour:
		key, n = "ago.hours", int(ago/time.Hour)
	}
	return e.Text("account.active", Args{"ago": e.Text(key, Args{"n": n})})
}

func (e speech) since(d Device, now time.Time) string {
	args := Args{"day": e.day(d.SignedIn, now), "label": d.Provider}
	if d.Provider == "" {
		return e.Text("account.since", args)
	}
	return e.Text("account.since_with", args)
}

// day is a date, with its year where that is not this one.
func (e speech) day(t, now time.Time) string {
	t, now = t.UTC(), now.UTC()
	args := Args{"day": t.Day(), "month": e.Text("month."+strconv.Itoa(int(t.Month())), nil), "year": t.Year()}
	if t.Year() == now.Year() {
		return e.Text("day.this_year", args)
	}
	return e.Text("day.year", args)
}

// network is an IP prefix in the words of people: the part of the address that is known, or where
// it is from nowhere else.
func (e speech) network(prefix string) string {
	p, err := netip.ParsePrefix(prefix)
	if err != nil {
		if prefix == "" {
			return ""
		}
		return e.Text("account.network", Args{"network": prefix})
	}
	a := p.Addr().Unmap()
	if a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast() || netip.MustParsePrefix("100.64.0.0/10").Contains(a) {
		return e.Text("account.local_network", nil)
	}
	known := strings.TrimRight(a.String(), ":") + ":…"
	if a.Is4() {
		parts := strings.Split(a.String(), ".")
		known = strings.Join(parts[:min(max(p.Bits()/8, 1), len(parts))], ".") + ".…"
	}
	return e.Text("account.network", Args{"network": known})
}

// AccountCSP returns the policy of the devices page: the stylesheet and the one
// script by hash, requests to this origin only.
func (p *Pages) AccountCSP() string {
	return p.pageCSP("'self'") + "; script-src " + cspHash(p.scripts.account) + "; connect-src 'self'"
}
