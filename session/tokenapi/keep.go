package tokenapi

import (
	"fmt"
	"maps"
	"regexp"
	"slices"

	"sessiongate/session"
)

// maxKept bounds what is kept of the answers beside the tokens: it is in every record of a session.
const maxKept = 4 << 10

// keepLine says where an answer has a value that later calls need.
type keepLine struct {
	name string
	at   place
}

// keepLines are the lines "name: place" of [Options.Keep].
type keepLines []keepLine

var keepName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

func parseKeep(lines []string) (keepLines, error) {
	list := make(keepLines, 0, len(lines))
	for _, line := range lines {
		name, at, err := parseLine(line, "NAME: PLACE")
		switch {
		case err != nil:
			return nil, fmt.Errorf("keep: %w", err)
		case !keepName.MatchString(name):
			return nil, fmt.Errorf("keep: %q: a name has letters, digits, - and _", name)
		case slices.Contains(list.names(), name):
			return nil, fmt.Errorf("keep: %q is there twice", name)
		}
		places, err := parseReplyPlaces([]string{at})
		if err != nil {
			return nil, fmt.Errorf("keep: %w", err)
		}
		list = append(list, keepLine{name, places[0]})
	}
	return list, nil
}

func (k keepLines) names() []string {
	names := make([]string, len(k))
	for i := range k {
		names[i] = k[i].name
	}
	return names
}

// take reads the values out of an answer; what it does not mention stays as it was. If they are too
// large together, the former ones are returned with the error.
func (k keepLines) take(r *reply, former session.Kept) (session.Kept, error) {
	if len(k) == 0 {
		return nil, nil //nolint:nilnil // nothing is kept
	}
	now := make(session.Kept, len(k))
	for _, line := range k {
		text := r.text(line.at)
		if text == "" {
			text = former[line.name]
		}
		if text != "" {
			now[line.name] = text
		}
	}
	if largest, size := measure(now); size > maxKept {
		return former, fault(r.what, fmt.Sprintf("what keep names is larger than 4 KiB together, most of all keep.%s", largest))
	}
	return now, nil
}

// measure returns the size of all values with their names, and the name of the largest.
func measure(values session.Kept) (largest string, size int) {
	for _, name := range slices.Sorted(maps.Keys(values)) {
		size += len(name) + len(values[name])
		if len(values[name]) > len(values[largest]) {
			largest = name
		}
	}
	return largest, size
}
