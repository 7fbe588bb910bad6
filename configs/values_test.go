package configs_test

import (
	"testing"
	"time"

	"sessiongate/configs"
)

func TestParseDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0": 0, "0s": 0, "30s": 30 * time.Second, "1h30m": 90 * time.Minute, "14d": 14 * 24 * time.Hour,
		"1d12h": 36 * time.Hour, "250ms": 250 * time.Millisecond, "1m5ms": time.Minute + 5*time.Millisecond, "90m": 90 * time.Minute,
	} {
		if got, err := configs.ParseDuration(text); err != nil || got.Std() != want {
			t.Errorf("%q: %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "30", "-5s", "1.5h", "5 s", "s", "5S", "30m1h", "1h1h", "1w", "1us", "999999999d", "9999999999s", "+1s", "５s", "1h\n"} {
		if got, err := configs.ParseDuration(text); err == nil {
			t.Errorf("%q: taken as %v", text, got)
		}
	}
}

func TestDurationText(t *testing.T) {
	for want, d := range map[string]time.Duration{
		"0s": 0, "1d": 24 * time.Hour, "36h": 36 * time.Hour, "14d": 14 * 24 * time.Hour, "2d1h": 49 * time.Hour,
		"1h30m": 90 * time.Minute, "1s500ms": 1500 * time.Millisecond,
	} {
		if got := configs.Duration(d).String(); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}

func TestParseSize(t *testing.T) {
	for text, want := range map[string]configs.Size{"0": 0, "0B": 0, "1B": 1, "32KiB": 32 << 10, "10MiB": 10 << 20, "2GiB": 2 << 30, "1TiB": 1 << 40} {
		if got, err := configs.ParseSize(text); err != nil || got != want {
			t.Errorf("%q: %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "32", "32KB", "32kib", "-1KiB", "1.5MiB", "999999999TiB", "1 MiB", "KiB"} {
		if got, err := configs.ParseSize(text); err == nil {
			t.Errorf("%q: taken as %v", text, got)
		}
	}
}

func TestParseRate(t *testing.T) {
	for text, want := range map[string]configs.Rate{"20/1m": {Limit: 20, Per: time.Minute}, "1/1s": {Limit: 1, Per: time.Second}, "1000000/1d": {Limit: 1000000, Per: 24 * time.Hour}} {
		if got, err := configs.ParseRate(text); err != nil || got != want || got.String() != text {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "20", "20/m", "0/1m", "-1/1m", "1/0s", "1/2d", "1/500ms", "1000001/1m", "1/1m/1m", "20 / 1m"} {
		if got, err := configs.ParseRate(text); err == nil {
			t.Errorf("%q: taken as %v", text, got)
		}
	}
}

// What String writes is read back as the same value.
func FuzzValues(f *testing.F) {
	for _, seed := range []string{"1d12h", "32KiB", "20/1m", "0", "-1s", "999999999d", "1h30m5s250ms"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if d, err := configs.ParseDuration(text); err == nil {
			if again, err := configs.ParseDuration(d.String()); err != nil || again != d || d < 0 {
				t.Errorf("%q -> %s -> %v, %v", text, d, again, err)
			}
		}
		if s, err := configs.ParseSize(text); err == nil {
			if again, err := configs.ParseSize(s.String()); err != nil || again != s || s < 0 {
				t.Errorf("%q -> %s -> %v, %v", text, s, again, err)
			}
		}
		if r, err := configs.ParseRate(text); err == nil {
			if again, err := configs.ParseRate(r.String()); err != nil || again != r {
				t.Errorf("%q -> %s -> %v, %v", text, r, again, err)
			}
		}
	})
}
